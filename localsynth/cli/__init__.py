"""The command line: standard output carries data only, standard error the talk."""
