"""Which quality will those who taste a wine give it?"""
