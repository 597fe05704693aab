"""The page a ward reads: server-rendered templates, plain JavaScript, and the view models between the service and them."""
