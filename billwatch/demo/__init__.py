"""The demo: the whole job, for real, on this machine: sandbox, mail server and daemon over real sockets."""
