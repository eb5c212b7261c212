"""`python -m pfmm` is `pfmm`."""

from pfmm.cli.main import main

if __name__ == "__main__":
    main()
