"""Is this wine of high quality?"""
