"""Tiers 1 to 6: what runs, and what it waits for."""

from __future__ import annotations

from .tier import Api, Audience, Tier, Use

COROUTINES = Tier(
    number=1,
    name="coroutines",
    concept="functions that can wait in the middle",
    paragraph="A function written with async def, and without yield, is a coroutine function: calling it runs none of "
    "its body and returns a coroutine object, which runs when something awaits it or when it is made a task. "
    "await runs another coroutine, or waits for a future, and gives back its result; where that has to wait, "
    "the coroutine stops there with its local variables, and so does every coroutine that awaits it, until "
    "it can go on. async with and async for are with and for whose steps are awaited: entering and leaving a "
    "block, or getting the next item, may have to wait too. This is the ground, and is Python itself: the "
    "language knows coroutines but nothing of sockets or timers, and it is the tiers above that say what is "
    "worth waiting for. You meet it in every program that uses asyncio.",
    api=(
        Api("async def", "makes a coroutine function; with a yield inside, an asynchronous generator"),
        Api("await", "run a coroutine, or wait for a future or a task: gives its result, or raises its exception"),
        Api("async for", "go through an asynchronous iterator: each next item may have to be waited for"),
        Api("async with", "enter and leave an asynchronous context manager: both may have to wait"),
    ),
    leading=4,
    audience=Audience.APPLICATIONS,
    mistakes=(
        "Calling a coroutine function without await: nothing of it runs, and Python warns that it was never awaited.",
        "Believing that every await lets others run: it does so only where something really has to wait.",
        "Awaiting one coroutine after another and expecting them to run side by side: that takes tasks, tier 4.",
        "Calling what blocks, such as time.sleep or requests.get: it stops the one thread for everybody.",
    ),
    example="tier1_coroutines.py",
    uses=(
        Use(
            "async def",
            "layers/accepting.py",
            "accepted",
            "it yields each connection as it comes, and waits for the next when it is asked for one",
        ),
        Use(
            "async for",
            "layers/transports.py",
            "Listener.accept",
            "connections are an endless row of items, each of which is waited for",
        ),
        Use(
            "async with",
            "server.py",
            "_run",
            "leaving the block stops the server, which must wait for everybody to get what is queued",
        ),
        Use(
            "await",
            "layers/streams.py",
            "Connection.opened",
            "one coroutine awaits another, and goes on here when the peer has finished sending: that takes no task",
        ),
    ),
)

EVENT_LOOP = Tier(
    number=2,
    name="event loop",
    concept="one thread that runs whatever is ready",
    paragraph="The event loop runs callbacks, functions handed to it to be called later, one after another, in one "
    "thread. In each turn it asks the operating system what has become ready, such as a socket with bytes to read, "
    "waiting for that or for the next timer if there is nothing else to do, and then calls what is ready; what these "
    "calls schedule runs in a later turn, the next at the earliest. It "
    "is what runs the coroutines of the tier below, step by step from one wait to the next, and nothing else runs in "
    "that thread within a step. asyncio.run makes a loop, runs one coroutine to its end, cancels the tasks that are "
    "left and closes the loop, which is all that most programs see of it; asyncio.Runner does the same, takes the "
    "loop of your choice, and runs more than one coroutine. asyncio.AbstractEventLoop says what a loop can do, "
    "asyncio.BaseEventLoop is what asyncio's own loops have in common, and uvloop puts a loop written in Cython upon "
    "libuv in their place.",
    api=(
        Api("asyncio.run", "run one coroutine in a new loop, and clean up after it"),
        Api("asyncio.Runner", "the same in parts: a loop of your choice, and more than one coroutine in it"),
        Api("asyncio.AbstractEventLoop", "what every loop can do: the type to write in annotations"),
        Api("asyncio.BaseEventLoop", "what asyncio's own loops have in common; uvloop's is not one"),
        Api("uvloop.new_event_loop", "make a loop of uvloop, as a loop_factory for asyncio.Runner"),
        Api("asyncio.get_running_loop", "the loop that runs the code that asks"),
        Api("loop.call_soon", "call a function in the next turn"),
        Api("loop.call_later", "call a function after so many seconds"),
        Api("loop.add_signal_handler", "call a function in the loop when a signal comes (Unix)"),
    ),
    leading=5,
    audience=Audience.APPLICATIONS,
    mistakes=(
        "Computing or blocking for long in a callback or between two awaits: every connection waits for it.",
        "Calling methods of the loop from another thread: hardly any is thread-safe, loop.call_soon_threadsafe is.",
        "asyncio.run inside a coroutine: it is the way in, once per program, and raises where a loop runs already.",
        "Checking for asyncio.BaseEventLoop: uvloop's loop is an asyncio.AbstractEventLoop and no more.",
    ),
    example="tier2_event_loop.py",
    uses=(
        Use(
            "asyncio.Runner", "server.py", "run", "unlike asyncio.run in Python 3.11, it takes the loop that was chosen"
        ),
        Use(
            "uvloop.new_event_loop",
            "loops.py",
            "factory",
            "what makes a loop of uvloop, in the place of asyncio.new_event_loop",
        ),
        Use(
            "loop.call_soon",
            "layers/outboxes.py",
            "Outboxes.schedule",
            "what this turn brings is gathered, and written in the next: one write for each connection",
        ),
        Use(
            "loop.call_later",
            "layers/protocols.py",
            "Connection.idle",
            "a timer for each connection, which closes it after too long a silence",
        ),
        Use(
            "loop.add_signal_handler",
            "server.py",
            "_run",
            "SIGTERM and Ctrl-C become a call within the loop, which may touch what the loop's own code touches",
        ),
    ),
)

FUTURES = Tier(
    number=3,
    name="futures",
    concept="a result that is not there yet",
    paragraph="A future stands for a result that is not there yet: it is pending at first, and becomes done once, with "
    "a result, with an exception, or cancelled. It rests on the event loop: when it is done, the loop calls "
    "the callbacks that were added to it, in its next turn. A coroutine that awaits a pending future stops "
    "until then, so a future joins the two ways to write asyncio: a callback calls set_result, and a "
    "coroutine goes on. Every await that has to wait, in the tiers above, comes down to one. Applications get "
    "futures from others and await them; those who bring a callback interface to coroutines make them, with "
    "loop.create_future.",
    api=(
        Api("asyncio.Future", "the class: a result to come"),
        Api("loop.create_future", "make one, of the kind that this loop prefers"),
        Api("Future.set_result", "make it done with a result: whoever awaits it goes on"),
        Api("Future.set_exception", "make it done with an exception, which is raised where it is awaited"),
        Api("Future.add_done_callback", "have a function called by the loop once it is done"),
        Api("Future.cancel", "make it done as cancelled, unless it is done already"),
        Api("loop.add_reader", "have a function called when a descriptor can be read: a callback to set a future"),
        Api("asyncio.wrap_future", "an asyncio future for one of concurrent.futures, such as an executor's"),
    ),
    leading=5,
    audience=Audience.FRAMEWORKS,
    mistakes=(
        "Setting it twice: the second time raises InvalidStateError. Whoever awaited it may have been cancelled, and "
        "the future with it: ask done() first.",
        "Setting it from another thread: hand that to the loop, with loop.call_soon_threadsafe(future.set_result, x).",
        "Taking a concurrent.futures.Future for one: its result blocks, and it cannot be awaited; asyncio.wrap_future "
        "helps.",
        "Expecting who awaits it to run within set_result: it goes on in a later turn of the loop.",
    ),
    example="tier3_futures.py",
    uses=(
        Use(
            "Future.add_done_callback",
            "layers/delivery.py",
            "Delivery.start",
            "a task is a future too: once it is done it is forgotten, and until then it is kept",
        ),
        Use(
            "loop.create_future",
            "tower/trace/__main__.py",
            "until_told",
            "the line to come: the server under the lens waits for it as for anything else",
        ),
        Use(
            "loop.add_reader",
            "tower/trace/__main__.py",
            "until_told",
            "the callback that makes the future done, when standard input can be read",
        ),
    ),
)

TASKS = Tier(
    number=4,
    name="tasks",
    concept="coroutines that run side by side",
    paragraph="A task runs a coroutine in the event loop: a coroutine that is awaited is part of who awaits it, a "
    "task's goes its own way beside the others. It rests on the three tiers below: the loop calls it back to run the "
    "coroutine from one wait to the next, as soon as the future that it waits for is done, and the task is a future "
    "itself, whose result is what the coroutine returns. cancel asks it to end, by raising asyncio.CancelledError "
    "where it waits, so that it can clean up; done says whether it has ended, and result gives what it returned or "
    "raises what it raised. asyncio.TaskGroup, asyncio.gather and asyncio.wait wait for several. Applications use "
    "tasks to do more than one thing at a time, and servers to give each connection one.",
    api=(
        Api("asyncio.create_task", "start a coroutine beside the others; keep what it returns"),
        Api("Task.cancel", "raise asyncio.CancelledError in it, where it waits"),
        Api("Task.done", "whether it has ended: returned, raised or cancelled"),
        Api("Task.result", "what it returned; raises what it raised"),
        Api(
            "asyncio.TaskGroup", "tasks that are all over when its block is left; if one fails the others are cancelled"
        ),
        Api("asyncio.gather", "run several awaitables, and get their results in the order in which they were given"),
        Api("asyncio.wait", "wait for several tasks: for the first, the first failure, or all"),
        Api("asyncio.timeout", "async with: when its time is up the block is cancelled, and TimeoutError raised"),
        Api("asyncio.current_task", "the task that runs the code that asks"),
        Api("loop.create_task", "as asyncio.create_task, on a loop that you have in hand"),
    ),
    leading=7,
    audience=Audience.BOTH,
    mistakes=(
        "Dropping the task that asyncio.create_task returns: the loop has only a weak reference to it, and it may "
        "vanish before it has ended.",
        "Catching asyncio.CancelledError and going on: asyncio.timeout and asyncio.TaskGroup depend on it. Raise it "
        "again.",
        "Never looking at a task's result: its exception is reported only when the task is thrown away.",
        "Taking cancel for the end: the task ends later, and may clean up first. Await it.",
    ),
    example="tier4_tasks.py",
    uses=(
        Use(
            "loop.create_task",
            "layers/delivery.py",
            "Delivery.start",
            "every coroutine of a layer becomes a task that is kept until it is done",
        ),
        Use(
            "Task.cancel",
            "layers/delivery.py",
            "Delivery.finish",
            "a TLS handshake is a task, and is cancelled if the server stops before it is done",
        ),
        Use(
            "asyncio.current_task",
            "layers/accepting.py",
            "Handshakes.shake",
            "a handshake hands in its own task, so that others can cancel it",
        ),
        Use(
            "asyncio.timeout",
            "layers/delivery.py",
            "Delivery.stop",
            "those who do not read have this long, and are cut off then",
        ),
        Use(
            "asyncio.wait",
            "layers/delivery.py",
            "Delivery.vacated",
            "a server has stopped when its last task has ended",
        ),
    ),
)

EXECUTORS = Tier(
    number=5,
    name="executors",
    concept="work that must not hold up the loop",
    paragraph="What blocks, or computes for long, would stop everything else in the loop's thread, so it is done "
    "elsewhere: in another thread, in another process, or by another program. loop.run_in_executor calls a "
    "function in a pool of concurrent.futures and returns an asyncio future, which the loop makes done when "
    "the call has returned; asyncio.to_thread does so in the loop's default pool of threads. Threads are for "
    "calls that block, such as a file or a database driver without asyncio; processes are for Python code "
    "that computes, since in one process of the usual CPython a global lock lets one thread at a time run "
    "such code. asyncio.create_subprocess_exec starts a program and gives a Process, whose pipes are streams "
    "(tier 9) and whose end can be awaited. All of this rests on futures, which bring the outcome back into "
    "the loop, and applications meet it wherever a library knows nothing of asyncio.",
    api=(
        Api("asyncio.to_thread", "call a function in a thread of the loop's default executor, and wait for it"),
        Api("loop.run_in_executor", "call a function in a pool of threads or processes: gives a future"),
        Api("concurrent.futures.ThreadPoolExecutor", "a pool of threads: for calls that block"),
        Api("concurrent.futures.ProcessPoolExecutor", "a pool of processes: for calls that compute"),
        Api("asyncio.create_subprocess_exec", "start a program with its arguments, without a shell"),
        Api("Process.communicate", "write its input, read its output to the end, and wait for it"),
        Api("Process.wait", "wait until it has ended: gives its exit status"),
    ),
    leading=5,
    audience=Audience.APPLICATIONS,
    mistakes=(
        "Expecting a cancelled wait to stop the call: a thread that runs already goes on to its end.",
        "Using asyncio from within the thread: loop.call_soon_threadsafe or asyncio.run_coroutine_threadsafe is the "
        "way back.",
        "Giving a pool of processes what cannot be pickled, such as a lambda or an open connection.",
        "Process.wait while the output is a pipe that nobody reads: once its buffers are full, both wait for ever.",
    ),
    example="tier5_executors.py",
    uses=(
        Use(
            "asyncio.create_subprocess_exec",
            "workers/process.py",
            "Starter._spawn",
            "each worker of a server is a program of its own, which may run on a processor of its own",
        ),
        Use(
            "asyncio.create_subprocess_exec",
            "tower/trace/run.py",
            "start",
            "the server that is traced is a process of its own, and is told and heard through pipes",
        ),
        Use(
            "asyncio.to_thread",
            "layers/storing.py",
            "Storing.close",
            "a storage that closes writes what it has left to a disk, which blocks",
        ),
        Use(
            "asyncio.to_thread",
            "tower/trace/run.py",
            "play",
            "its client is written with plain sockets, which block: it runs in a thread",
        ),
    ),
)

TOOLS = Tier(
    number=6,
    name="tools",
    concept="what tasks share and wait for",
    paragraph="Tasks run in one thread, so no other task comes in between two waits; across a wait, anything may have "
    "changed. These tools are for that: a Queue hands things from one task to another, a Lock lets one in at "
    "a time and a Semaphore so many, and an Event lets all who wait go on at once. They look like those of "
    "queue and threading, but to wait is to await: each keeps the futures of the tasks that wait, and makes "
    "them done when their turn has come. A Queue with a maxsize also slows down whoever is too fast, for put "
    "waits while it is full. Applications meet them as soon as two tasks have something in common.",
    api=(
        Api("asyncio.Queue", "first in, first out between tasks; with a maxsize, put waits while it is full"),
        Api("asyncio.Lock", "one task at a time: async with lock"),
        Api("asyncio.Event", "a flag that tasks can wait for"),
        Api("asyncio.Semaphore", "so many tasks at a time"),
        Api("asyncio.Condition", "a lock, and waiting until what it guards has changed"),
        Api("Event.wait", "wait until the flag is set; at once if it is"),
        Api("Event.set", "set it: all who wait go on"),
        Api("Event.clear", "unset it: who comes now has to wait"),
        Api("Queue.join", "wait until task_done was called for everything that was put in"),
    ),
    leading=4,
    audience=Audience.APPLICATIONS,
    mistakes=(
        "Using them from threads: none of them is thread-safe. For threads there are threading and queue.",
        "A Queue without a maxsize between a fast task and a slow one: it grows until memory is gone.",
        "A Lock where nothing is awaited inside: no other task can come in between anyway.",
        "Looking for a timeout argument: there is none, put the wait into asyncio.timeout.",
    ),
    example="tier6_queues.py",
    uses=(
        Use(
            "asyncio.Queue",
            "datagrams.py",
            "_Feed.__init__",
            "datagrams wait here until they are read, so many at most: more are dropped and counted",
        ),
        Use(
            "asyncio.Event",
            "layers/streams.py",
            "Connection.hold",
            "a gate before the next read: how a coroutine is kept from reading",
        ),
        Use("Event.set", "layers/streams.py", "Connection.release", "the gate opens, and the coroutine reads on"),
        Use(
            "Event.clear",
            "layers/delivery.py",
            "Delivery.admit",
            "somebody is connected: whoever waits for an empty server has to wait from now on",
        ),
        Use(
            "Event.wait",
            "server.py",
            "Server.wait",
            "a server runs until stop sets this event, from a signal or from your own code",
        ),
    ),
)
