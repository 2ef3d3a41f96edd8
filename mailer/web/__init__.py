"""The pages: a thin edge over the same intake that mail goes through.

Only here are Starlette and uvicorn known. A page builds a command value, the intake applies it; a
GET only ever reads. Everything works without these pages too, by mail.
"""
