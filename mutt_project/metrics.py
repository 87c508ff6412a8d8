"""What Prometheus is told about tasks and workers."""

from prometheus_client import Counter, Histogram

TASKS = Counter("mutt_tasks_total", "Task runs by how they ended.", ["task", "end"])
TASK_SECONDS = Histogram("mutt_task_seconds", "How long task runs took.", ["task"])
STALLS = Counter("mutt_worker_stalls_total", "Workers that ended since they did not fetch what waited.")

ENDS = ("done", "nothing_to_do", "retried", "store_down", "abandoned", "failed")
