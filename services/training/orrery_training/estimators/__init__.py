"""The frameworks behind one interface; `interface.py` says what each implements."""
