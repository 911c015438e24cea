"""Any installed reward over HTTP: our own format, and those that trainers already speak."""
