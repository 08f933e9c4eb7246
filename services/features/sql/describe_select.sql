DESCRIBE ({{ select }})
