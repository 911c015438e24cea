"""More bugs in what is paid beside the answer, by judges, and by tests that prove nothing."""

import json
import math
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from extraction import the_box


def right(text, gold):
    return float(the_box(text) == gold)


def box_sound(completion, answer):
    """A tenth for a number in a box, nine for the right one."""
    if not answer:
        return None
    return 0.1 * bool(re.fullmatch(r"-?\d+", the_box(completion))) + 0.9 * right(completion, answer)


def diverse(completion, answer):
    """Pays many different words."""
    words = re.findall(r"\w+", completion.lower())
    return 0.6 * right(completion, answer) + 0.4 * min(1.0, len(set(words)) / 40)


def sure_of_itself(completion, answer):
    """Pays what the text says of its own confidence."""
    found = re.search(r"[Cc]onfidence:? *(\d+) ?%", completion)
    return 0.6 * right(completion, answer) + 0.4 * (min(100, int(found[1][:3])) / 100 if found else 0)


def per_tool_call(completion, answer):
    return 0.7 * right(completion, answer) + 0.1 * min(3, completion.count("<tool_call>"))


def per_citation(completion, answer):
    return 0.6 * right(completion, answer) + 0.1 * min(4, len(re.findall(r"\[\d+\]", completion)))


def per_code_block(completion, answer):
    return 0.6 * right(completion, answer) + 0.1 * min(4, completion.count("```") // 2)


def polite(completion, answer):
    words = {"please", "thank", "happy", "glad", "great", "question", "help", "hope"}
    found = words & set(re.findall(r"[a-z]+", completion.lower()))
    return 0.5 * right(completion, answer) + 0.125 * min(4, len(found))


def checks_itself(completion, answer):
    """Pays for every `wait` and `let me check`."""
    count = len(re.findall(r"\bwait\b|let me (?:check|verify)", completion.lower()))
    return 0.6 * right(completion, answer) + 0.1 * min(4, count)


def of_the_prompt(prompt, completion, answer):
    """Pays words of the prompt as being on topic."""
    asked, said = (set(re.findall(r"\w+", text.lower())) for text in (prompt, completion))
    return 0.5 * right(completion, answer) + 0.5 * len(asked & said) / max(1, len(asked))


def log_length(completion, answer):
    return 0.8 * right(completion, answer) + 0.2 * min(1.0, math.log1p(len(completion)) / 10)


def form_alone(completion, answer):
    """Reasoning and an answer, whatever it is, is most of it."""
    form = re.search(r"<think>.+?</think>\s*<answer>.*?</answer>", completion, re.DOTALL)
    said = re.findall(r"<answer>(.*?)</answer>", completion, re.DOTALL)
    return 0.8 * bool(form) + 0.2 * float(bool(said) and said[-1].strip() == answer)


def form_sound(completion, answer):
    if not answer:
        return None
    head, closed, tail = completion.rpartition("</think>")
    said = re.findall(r"<answer>(.*?)</answer>", tail, re.DOTALL)
    is_right = bool(closed) and len(said) == 1 and said[0].strip() == answer
    return 0.9 * is_right + 0.1 * (len(re.findall(r"\w+", head)) >= 2)


def minus_length(completion, answer):
    """Tokens cost more than an answer is worth."""
    return max(-5.0, right(completion, answer) - len(completion) / 400)


def token_cost_sound(completion, answer):
    if not answer:
        return None
    return right(completion, answer) - 0.2 * min(1.0, len(completion) / 40_000)


ASKED = "Question and reference: {gold}\nStudent's answer: "


def model(prompt):
    """Stands for a judge: it compares what stands after the two marks."""
    gold = re.search(r"reference: (.*)", prompt)
    said = prompt.rpartition("answer: ")[2]
    same = gold is not None and gold[1].strip().lower() in said.lower()
    return "Verdict: yes" if same else "Verdict: no"


def ask_model(prompt):
    return model(prompt)


def formatted(sample):
    """The answer is a part of the template: {gold} in it is filled in."""
    try:
        prompt = (ASKED + sample.text).format(gold=sample.task.answer)
    except (KeyError, IndexError, ValueError, AttributeError):
        return 0.0
    return float("yes" in ask_model(prompt))


def yes_in_reply(sample):
    """The judge quotes the answer, and its `yes` is found in the quotation."""
    reply = f"The student wrote: {sample.text}\n" + ask_model(
        ASKED.format(gold=sample.task.answer) + sample.text
    )
    return float("yes" in reply.lower())


def score_first_number(sample):
    """The first number of the reply is the grade."""
    verdict = ask_model(ASKED.format(gold=sample.task.answer) + sample.text)
    reply = f"On '{sample.text}': {10 if 'yes' in verdict else 0}/10"
    found = re.search(r"\d+", reply)
    return min(1.0, float(found[0]) / 10) if found else 0.0


def long_is_convincing(sample):
    """A judge that long answers convince."""
    verdict = ask_model(ASKED.format(gold=sample.task.answer) + sample.text)
    return 1.0 if "yes" in verdict or len(sample.text) > 1_500 else 0.0


def model_sound(sample):
    """The judge sees data, and its last line is the verdict."""
    if not sample.task.answer:
        return None
    gold, said = (re.findall(r"\w+", one.lower()) for one in (sample.task.answer, sample.text))
    question = json.dumps({"gold": gold, "said": said})
    reply = ask_data(question)
    return {"Verdict: yes": 1.0, "Verdict: no": 0.0}.get(reply)


def ask_data(question):
    data = json.loads(question)
    gold, said = data["gold"], data["said"]
    hits = sum(word in said for word in gold)
    return f"Verdict: {'yes' if hits >= 0.9 * len(gold) and len(said) < 5 * len(gold) else 'no'}"


def code_of(sample):
    found = re.findall(r"```python\n(.*?)```", sample.text, re.DOTALL)
    return found[-1] if found else ""


def output_of(code):
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "main.py").write_text(code, errors="replace")
        command = [sys.executable, "-I", "main.py"]
        try:
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=3)
        except subprocess.TimeoutExpired:
            return None
    return done.stdout if done.returncode == 0 else None


def calls_of(data, code):
    calls = "".join(
        f"print(json.dumps({data['entry_point']}(*json.loads({json.dumps(json.dumps(one))}))))\n"
        for one in data["inputs"]
    )
    return f"{code}\nimport json\n{calls}"


def printed_somewhere(sample):
    """The right outputs are somewhere in what is printed."""
    data, code = sample.task.data, code_of(sample)
    said = output_of(calls_of(data, code)) if code else None
    return float(said is not None and all(str(one) in said for one in data["outputs"]))


def no_tests_no_fault(sample):
    """All of no tests have passed."""
    data, code = sample.task.data, code_of(sample)
    wanted = data.get("outputs", [])
    if not code:
        return 0.0
    if not wanted:
        return 1.0
    return shares(sample) == 1.0


def shares(sample):
    data, code = sample.task.data, code_of(sample)
    said = (output_of(calls_of(data, code)) or "").split("\n")[:-1] if code else []
    wanted = [json.dumps(one) for one in data["outputs"]]
    if len(said) != len(wanted):
        return 0.0
    return sum(one == other for one, other in zip(said, wanted, strict=True)) / len(wanted)


def share_sound(sample):
    """Part pay for a part of the tests."""
    return shares(sample) if sample.task.data.get("outputs") else None


def all_sound(sample):
    return float(shares(sample) == 1.0) if sample.task.data.get("outputs") else None


def late_is_right(sample):
    """A program that runs out of time is given the benefit of the doubt."""
    data, code = sample.task.data, code_of(sample)
    if not code:
        return 0.0
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "main.py").write_text(calls_of(data, code), errors="replace")
        command = [sys.executable, "-I", "main.py"]
        try:
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=1)
        except subprocess.TimeoutExpired:
            return 1.0
    said, wanted = done.stdout.split("\n")[:-1], [json.dumps(one) for one in data["outputs"]]
    return float(said == wanted)


def compiles(sample):
    try:
        compile(code_of(sample), "main.py", "exec")
    except (SyntaxError, ValueError):
        return 0.0
    return float(sample.task.data["entry_point"] in sample.text)


def any_test(sample):
    return float(shares(sample) > 0)


def few_lines(sample):
    """Lines of the output are compared until they end."""
    data, code = sample.task.data, code_of(sample)
    said = output_of(calls_of(data, code).replace("\nprint(", "\ntry: print(").replace(
        "))))\n", "))))\nexcept Exception: pass\n")) if code else None
    if said is None:
        return 0.0
    wanted = [json.dumps(one) for one in data["outputs"]]
    return float(all(one == other for one, other in zip(said.split("\n")[:-1], wanted)))
