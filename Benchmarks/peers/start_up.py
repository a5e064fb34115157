"""Time `python -c "import torch"`: what every PyTorch program does before anything else.

Memory is that of the started program.

Example:
    python start_up.py --epochs 3
"""

import argparse
import json
import resource
import subprocess
import sys
import time


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=3, help="how often it is started")
    arguments = parser.parse_args()

    def processor_time():
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime

    seconds, processor_seconds = [], []
    for _ in range(arguments.epochs):
        begin, processor_begin = time.perf_counter(), processor_time()
        subprocess.run([sys.executable, "-c", "import torch"], check=True)
        seconds.append(time.perf_counter() - begin)
        processor_seconds.append(processor_time() - processor_begin)
    # Kilobytes on Linux, bytes on macOS.
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    print(
        json.dumps(
            {
                "job": "start-up",
                "threads": arguments.threads,
                "seconds": min(seconds),
                "processorSeconds": min(processor_seconds),
                "peakMemoryBytes": peak if sys.platform == "darwin" else peak * 1024,
            }
        )
    )


if __name__ == "__main__":
    main()
