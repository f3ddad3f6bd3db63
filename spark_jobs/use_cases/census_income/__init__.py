"""Does this person earn more than 50,000 a year?"""
