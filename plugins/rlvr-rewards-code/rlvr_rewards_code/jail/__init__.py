"""What runs inside a sandbox: the standard library only, nothing of the trainer.

`start` puts up the walls, `zygote` forks one process a program, and that process is one of three:
`program` (answers calls), `script` (reads stdin, writes stdout), `examiner` (runs the tests).
"""
