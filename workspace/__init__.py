"""What a person types about a Databricks workspace: its schema and volume made and removed, checked, and code sent."""
