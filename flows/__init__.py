"""The scheduled side of flaremon: Prefect lives here and nowhere else.

A flow may
    call tasks, in an order that reads as a sentence; branch on what a task returned;
    say what it did (one artifact, log lines); end Failed when nothing could be done.
A flow may not
    hold science, SQL, FITS or arrays: each step is a function of `flaremon.job`;
    pass sessions, clients, engines or arrays between tasks: values are small and picklable;
    believe Prefect: what is left to do is worked out from our own database on every run, so a
    run may be lost, doubled, cancelled or killed at any moment and the next one puts it right;
    retry by itself: one rule, `flows.tasks.if_retriable`, reads it off the error;
    call subflows, or one task per record: a task is a chunk of work worth seconds.
"""
