ALTER TABLE {{ table }} {{ commands }}
