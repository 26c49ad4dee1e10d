"""The screens: a client of the daemon that draws what it is told. Holds no logic a command could not use."""
