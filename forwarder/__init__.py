"""How an alert reaches Moogsoft: payload, HTTP, retries."""
