"""Who may do what: access tokens of programs, and the scope that a guard gives to a request."""
