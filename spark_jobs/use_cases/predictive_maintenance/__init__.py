"""Which component of which machine will fail within a day?"""
