KILL QUERY WHERE query_id = {id:String} ASYNC
