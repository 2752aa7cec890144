"""Commands about the chat itself: what there is, and how it is doing."""

from __future__ import annotations

from ..phrases import count, duration, listing
from .table import COMMANDS, OPERATORS, Asked, Command, command, find

#: Topics of commands, in the order in which /help lists them: first what is used most.
LISTED = ("talk", "rooms", "people", "about")

#: Texts that /help has besides the commands: what people ask about, in lines.
TOPICS = {
    "floods": (
        "what comes too fast is read later, and none of it is lost",
        "a paste of up to 100 lines or 4 KiB counts as one line, once in ten seconds",
        "/limits says how fast you may talk now",
    ),
    "numbers": (
        "every line that is said in a room has a number, which no other one gets",
        "/replay 481 shows what was said from #481 on, /history 20 the last 20 lines",
        "who reads too slowly is spared what is said, and told which lines that were",
    ),
    "programs": (
        "/json makes each line a JSON object, both ways: nc localhost 8888 | jq",
        '{"text": "hello"} is said, {"command": "/who"} is a command',
        "lines that are no objects are read as ever",
        "echo hello | nc -N localhost 8888 gets a receipt with the number of its line",
    ),
    "keys": (
        "Ctrl-D at the start of a line leaves, as /quit does",
        "Ctrl-C in telnet drops the line that you are typing",
    ),
}


@command("about", "/help [TOPIC]", "show what there is, or more about a command or a topic")
def _help(asked: Asked) -> None:
    (name,) = asked.words
    operator = asked.person in asked.house.operators
    if not name:
        _list(asked, [each for topic in LISTED for each in COMMANDS.values() if each.topic == topic])
        more = [*TOPICS, OPERATORS] if operator else TOPICS
        asked.answer(f"more about, such as /help {next(iter(TOPICS))}: {', '.join(more)}")
    elif name.lower() in TOPICS:
        for line in TOPICS[name.lower()]:
            asked.answer(line)
    else:
        among = [each for each in COMMANDS.values() if each.topic == name.lower()]
        if among and (operator or name.lower() != OPERATORS):
            _list(asked, among)
            return
        found = find("/" + name.removeprefix("/"), operator=operator)
        asked.answer(f"{found.usage}  {found.help}")


def _list(asked: Asked, commands: list[Command]) -> None:
    width = max(len(each.usage) for each in commands)
    for each in commands:
        asked.answer(f"{each.usage:{width}}  {each.help}")


@command("about", "/stats", "say how the chat is doing, and how connections ended")
def _stats(asked: Asked) -> None:
    house = asked.house
    up = duration(asked.now - (asked.now if house.began is None else house.began))
    asked.answer(f"{up} since the first one came; {len(house.people)} here, {house.most} at most")
    asked.answer(f"{count(len(house.rooms), 'room')}, {count(house.said, 'line')} said")
    if house.slow:
        asked.answer(f"read too slowly: {len(house.slow)}")
    # The most frequent reason first.
    counted = sorted(house.endings().items(), key=lambda each: (-each[1], each[0]))
    for line in listing("ended", [f"{ending} {number}" for ending, number in counted] or ["none yet"], 0):
        asked.answer(line)
