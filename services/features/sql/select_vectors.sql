{{ select }}
ORDER BY position
