"""The stack: what docker-compose.yaml starts, and the commands around it."""
