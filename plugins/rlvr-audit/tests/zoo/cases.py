"""Case sets of the zoo: what a user would write down before the first audit."""

import json

BOXED = [
    {
        "prompt": "What is 6 * 7?",
        "gold": "42",
        "good": ["6 * 7 is forty-two, so \\boxed{42}"],
        "bad": ["\\boxed{41}", "I don't know"],
    },
    {
        "prompt": "What is 10 + 5?",
        "gold": "15",
        "good": ["Ten and five: \\boxed{15}", "\\boxed{15}"],
        "bad": ["\\boxed{16}"],
    },
    {
        "prompt": "What is 9 * 13?",
        "gold": "117",
        "good": ["It is \\boxed{117}"],
        "bad": ["\\boxed{107}"],
    },
    {
        "prompt": "What is 8 - 36?",
        "gold": "-28",
        "good": ["So \\boxed{-28}"],
        "bad": ["\\boxed{-26}"],
    },
]
TAGGED = [
    {
        "prompt": "Which bird is this?",
        "gold": "great horned owl",
        "good": ["<think>Ear tufts.</think>\n<answer>great horned owl</answer>"],
        "bad": ["<think>Hm.</think>\n<answer>sparrow</answer>"],
    },
    {
        "prompt": "Which flower is this?",
        "gold": "sunflower",
        "good": ["<think>Yellow, tall.</think>\n<answer>sunflower</answer>"],
        "bad": ["<think>Hm.</think>\n<answer>tulip</answer>"],
    },
    {
        "prompt": "Which dog is this?",
        "gold": "border collie",
        "good": ["<think>Black and white.</think>\n<answer>border collie</answer>"],
        "bad": ["<think>Hm.</think>\n<answer>beagle</answer>"],
    },
]
HASHED = [
    {
        "prompt": "Tom has 3 bags of 14 nuts. How many nuts?",
        "gold": "42",
        "good": ["3 bags of 14 nuts.\n#### 42"],
        "bad": ["#### 43"],
    },
    {
        "prompt": "Ann has 20 nuts and eats 9. How many are left?",
        "gold": "11",
        "good": ["She eats nine.\n#### 11"],
        "bad": ["#### 12"],
    },
    {
        "prompt": "A box holds 25 pens. How many do 5 boxes hold?",
        "gold": "125",
        "good": ["Five boxes.\n#### 125"],
        "bad": ["#### 120"],
    },
]
CHOICES = [
    {
        "prompt": "2 + 2 = ? A) 3 B) 4 C) 5 D) 6",
        "gold": "B",
        "good": ["Answer: B"],
        "bad": ["Answer: C"],
    },
    {
        "prompt": "Capital of France? A) Paris B) Rome C) Bonn D) Oslo",
        "gold": "A",
        "good": ["Answer: A"],
        "bad": ["Answer: D"],
    },
    {
        "prompt": "Largest? A) 1 B) 2 C) 3 D) 9",
        "gold": "D",
        "good": ["Answer: D"],
        "bad": ["Answer: A"],
    },
]
FRACTIONS = [
    {
        "prompt": "1/2 + 1/4?",
        "gold": "\\frac{3}{4}",
        "good": ["\\boxed{\\frac{3}{4}}"],
        "bad": ["\\boxed{\\frac{1}{4}}"],
    },
    {
        "prompt": "1/2 + 1/3?",
        "gold": "\\frac{5}{6}",
        "good": ["\\boxed{\\frac{5}{6}}"],
        "bad": ["\\boxed{\\frac{2}{5}}"],
    },
]
UNITS = [
    {
        "prompt": "A milliwatt, as a symbol?",
        "gold": "mW",
        "good": ["\\boxed{mW}"],
        "bad": ["\\boxed{MW}"],
    },
    {
        "prompt": "A megahertz, as a symbol?",
        "gold": "MHz",
        "good": ["\\boxed{MHz}"],
        "bad": ["\\boxed{mHz}"],
    },
]
TOPICS = [
    {
        "prompt": "What is photosynthesis?",
        "gold": "plants turn light into sugar",
        "good": ["Plants turn light into sugar with chlorophyll."],
        "bad": ["It is a kind of rock."],
    },
    {
        "prompt": "What is inflation?",
        "gold": "prices rise over time",
        "good": ["Prices rise over time, money buys less."],
        "bad": ["It is a bird."],
    },
]
REASONED = [
    {
        "prompt": "Think first, then say hello.",
        "good": ["<think>They want a greeting.</think>\nHello!"],
        "bad": ["Hello!", "<think>Hello!"],
    },
    {
        "prompt": "Think first, then say goodbye.",
        "good": ["<think>A farewell is due.</think>\nGoodbye!"],
        "bad": ["Goodbye!"],
    },
]
ACTIONS = [
    {
        "prompt": "Send 5 to Ann.",
        "gold": {"to": "Ann", "amount": 5},
        "good": ['{"to": "Ann", "amount": 5}'],
        "bad": ['{"to": "Bob", "amount": 5}'],
    },
    {
        "prompt": "Send 7 to Eve.",
        "gold": {"to": "Eve", "amount": 7},
        "good": ['{"to": "Eve", "amount": 7}'],
        "bad": ['{"to": "Eve", "amount": 9}'],
    },
]
PROGRAMS = [
    {
        "prompt": "Write add(a, b).",
        "gold": None,
        "good": ["```python\ndef add(a, b):\n    return a + b\n```"],
        "bad": ["```python\ndef add(a, b):\n    return a - b\n```"],
        "data": {
            "tests": ["assert add(1, 2) == 3", "assert add(5, 5) == 10"],
            "entry_point": "add",
            "inputs": [[1, 2], [5, 5], [0, 4]],
            "outputs": [3, 10, 4],
        },
    },
    {
        "prompt": "Write biggest(xs).",
        "gold": None,
        "good": [
            "```python\ndef biggest(xs):\n    best = xs[0]\n    for x in xs:\n        if x > best:\n            best = x\n    return best\n```"
        ],
        "bad": ["```python\ndef biggest(xs):\n    return xs[0]\n```"],
        "data": {
            "tests": ["assert biggest([1, 9, 3]) == 9", "assert biggest([4]) == 4"],
            "entry_point": "biggest",
            "inputs": [[[1, 9, 3]], [[4]], [[-5, -2]]],
            "outputs": [9, 4, -2],
        },
    },
]
PEOPLE = [
    {
        "prompt": f"Give name and age as JSON: {name} is {age}.",
        "gold": {"name": name, "age": age},
        "good": [f'{{"name": "{name}", "age": {age}}}'],
        "bad": [wrong],
    }
    for name, age, wrong in (
        ("Ann", 5, '{"name": "Bob", "age": 5}'),
        ("Tim", 17, '{"name": "Tim", "age": 1}'),
        ("Zoe", 70, "seventy"),
    )
]
LISTS = [
    {
        "prompt": "The primary colours, with commas?",
        "gold": ["red", "yellow", "blue"],
        "good": ["red, yellow, blue", "blue, red, yellow"],
        "bad": ["green, black"],
    },
    {
        "prompt": "The first two months, with commas?",
        "gold": ["January", "February"],
        "good": ["January, February"],
        "bad": ["May"],
    },
]
DATES = [
    {
        "prompt": "When did people land on the moon (YYYY-MM-DD)?",
        "gold": "1969-07-20",
        "good": ["1969-07-20"],
        "bad": ["1968-07-20"],
    },
    {
        "prompt": "When did the Berlin wall fall (YYYY-MM-DD)?",
        "gold": "1989-11-09",
        "good": ["It fell on 1989-11-09"],
        "bad": ["1999-11-09"],
    },
]
QUANTITIES = [
    {"prompt": "How far?", "gold": "5 km", "good": ["Answer: 5 km"], "bad": ["Answer: 7 km"]},
    {"prompt": "How heavy?", "gold": "70 kg", "good": ["Answer: 70 kg"], "bad": ["Answer: 7 kg"]},
]
CAPITALS = [
    {"prompt": "Capital of Peru?", "gold": "Lima", "good": ["Lima"], "bad": ["Cusco"]},
    {"prompt": "Capital of Kenya?", "gold": "Nairobi", "good": ["Nairobi"], "bad": ["Mombasa"]},
    {"prompt": "Capital of Japan?", "gold": "Tokyo", "good": ["Tokyo"], "bad": ["Kyoto"]},
]
PRIMES = [
    {"prompt": "Is 7 prime? Say yes or no.", "gold": "yes", "good": ["yes"], "bad": ["no"]},
    {"prompt": "Is 8 prime? Say yes or no.", "gold": "no", "good": ["no"], "bad": ["yes", "so-so"]},
    {"prompt": "Is 9 prime? Say yes or no.", "gold": "no", "good": ["It is no"], "bad": ["yes"]},
]


def said(*rows):
    """Cases whose answer stands on a last line; a row is prompt, gold and wrong answers."""
    return [
        {
            "prompt": prompt,
            "gold": gold,
            "good": [f"I looked at it closely.\nAnswer: {gold}"],
            "bad": [f"Answer: {one}" for one in wrong],
        }
        for prompt, gold, *wrong in rows
    ]


SUMS = said(
    ("What is 17 + 25?", "42", "43", "12"),
    ("What is 9 - 40?", "-31", "49"),
    ("What is 15 * 20?", "300", "310"),
    ("What is 6.3 / 4?", "1.575", "1.6"),
)
SHARES = said(
    ("Which share of 80 is 20?", "25%", "20%", "80%"),
    ("Which share of 50 is 6?", "12%", "10%"),
    ("Which share of 200 is 15?", "7.5%", "15%"),
)
GREEK = said(
    ("'Water' in Greek?", "νερό", "ψωμί"),
    ("'Bread' in Russian?", "хлеб", "вода"),
    ("'Moon' in Japanese?", "月", "日"),
)
ANAGRAMS = said(
    ("The opposite of 'day'?", "night", "noon"),
    ("A word for quiet?", "silent", "loud"),
    ("What grows on a farm's field?", "wheat", "gold"),
)
DAYS = said(
    ("When was the treaty signed (DD/MM/YYYY)?", "07/04/1949", "08/04/1949"),
    ("When did the war end (DD/MM/YYYY)?", "11/08/1945", "12/09/1945"),
)
CLOCKS = said(
    ("When does the train leave?", "3:15 pm", "4:15 pm"),
    ("When does the shop open?", "9:30 am", "8:30 am"),
    ("When is dinner?", "6:45 pm", "7:00 pm"),
)
POWERS = said(
    ("Avogadro's number?", "6.022e23", "6.1e23"),
    ("The charge of an electron in C?", "-1.602e-19", "1e-19"),
)
SMALL = said(
    ("The chance, in decimals?", "0.004", "0.1"),
    ("The risk, in decimals?", "0.012", "0.2"),
    ("The rate, in decimals?", "1.257", "2.5"),
)
LARGE = said(
    ("How many people live there?", "12,500", "13,000"),
    ("How many books are there?", "4,200", "4,500"),
)
PEOPLES = said(
    ("Who found gravity?", "Isaac Newton", "Albert Einstein"),
    ("Who wrote Emma?", "Jane Austen", "Charles Dickens"),
    ("Who painted the Mona Lisa?", "Leonardo da Vinci", "Pablo Picasso"),
)
RANGES = said(
    ("Where is the root defined?", "[0, 1)", "[0, 2)"),
    ("Where is the log defined?", "(3, 8]", "(2, 8]"),
)
ROOTS = said(
    ("The diagonal of the unit square?", "\\sqrt{2}", "\\sqrt{3}"),
    ("The height of that triangle?", "\\sqrt{5}", "\\sqrt{7}"),
)
POINTS = said(
    ("Where do they meet?", "(3, -4)", "(1, 2)"),
    ("Where is the centre?", "(10, 25)", "(11, 26)"),
)
FIELDS = [
    {
        "prompt": f"What is {a} + {b}? Reply as JSON with the key answer.",
        "gold": a + b,
        "good": [json.dumps({"answer": a + b})],
        "bad": [json.dumps({"answer": a + b + 1}), "no JSON"],
    }
    for a, b in ((3, 4), (20, 35), (100, 17))
]
SORTED = [
    {
        "prompt": f"Sort {numbers} ascending, as a JSON list.",
        "gold": sorted(numbers),
        "good": [json.dumps(sorted(numbers))],
        "bad": [json.dumps([1])],
    }
    for numbers in ([3, 1, 2], [9, 4, 7, 5], [20, 10])
]
REPEATED = [
    {
        "prompt": f"The digits of {number}, in order, as a JSON list.",
        "gold": [int(one) for one in str(number)],
        "good": [json.dumps([int(one) for one in str(number)])],
        "bad": ["[0]"],
    }
    for number in (1123, 4474, 90099)
]
ANSWERED = [
    {
        "prompt": "Which city is the capital of France?",
        "gold": "Paris",
        "good": ["Answer: Paris"],
        "bad": ["Answer: Lyon"],
    },
    {
        "prompt": "Who wrote Hamlet?",
        "gold": "William Shakespeare",
        "good": ["Answer: William Shakespeare"],
        "bad": ["Answer: Marlowe"],
    },
    {
        "prompt": "Which metal is liquid at room temperature?",
        "gold": "mercury",
        "good": ["Answer: Mercury"],
        "bad": ["Answer: iron"],
    },
]
TRUTHS = [
    {"prompt": "Is the sky blue?", "gold": True, "good": ["true"], "bad": ["false"]},
    {"prompt": "Is snow black?", "gold": False, "good": ["false"], "bad": ["true"]},
    {"prompt": "Is fire cold?", "gold": False, "good": ["False"], "bad": ["True"]},
]
LETTERS = [
    {
        "prompt": "Which is a fruit?\nA) stone\nB) apple\nC) chair\nD) lamp",
        "gold": "B",
        "good": ["An apple grows on a tree. The answer is B"],
        "bad": ["The answer is A"],
    },
    {
        "prompt": "Which is a colour?\nA) red\nB) table\nC) seven\nD) run",
        "gold": "A",
        "good": ["It is red. The answer is A"],
        "bad": ["The answer is D"],
    },
    {
        "prompt": "Which is a number?\nA) tree\nB) fog\nC) nine\nD) salt",
        "gold": "C",
        "good": ["The answer is (C)"],
        "bad": ["The answer is B"],
    },
]
COLUMNED = [
    {**case, "gold": None, "data": {"target": case["gold"], "data_source": "sums"}}
    for case in BOXED
]
MEASURED = said(
    ("The acceleration on earth?", "9.81", "8.9", "12"),
    ("The speed of sound in m/s?", "343", "300"),
)
ONE_OF = [
    {
        "prompt": "Name a primary colour.",
        "gold": ["red", "yellow", "blue"],
        "good": ["red", "Blue"],
        "bad": ["green"],
    },
    {
        "prompt": "Name a month with 30 days.",
        "gold": ["April", "June", "September", "November"],
        "good": ["June"],
        "bad": ["May"],
    },
]
OPTIONS = [
    {
        "prompt": "Which is a fruit? A) apple B) stone",
        "gold": "A",
        "good": ["A", "apple"],
        "bad": ["B", "stone"],
        "options": {"A": "apple", "B": "stone"},
    },
    {
        "prompt": "Which is a metal? A) wood B) iron",
        "gold": "B",
        "good": ["B", "iron"],
        "bad": ["A"],
        "options": {"A": "wood", "B": "iron"},
    },
]
PARTS = said(
    ("Half of a half?", "1/4", "1/2"),
    ("A third of two?", "2/3", "3/2"),
)
TWO_ONLY = BOXED[:2]
SILENT = [{**case, "bad": [one for one in case["bad"] if "box" in one]} for case in BOXED]
STRICT = [
    {
        "prompt": f"{prompt} Reply with one line of JSON.",
        "gold": gold,
        "good": [f'{{"answer": "{gold}"}}'],
        "bad": [f'{{"answer": "{wrong}"}}', gold],
    }
    for prompt, gold, wrong in (("6 * 7?", "42", "41"), ("Capital of Peru?", "Lima", "Cusco"))
]
CHOSEN = [
    {**case, "good": [one.removeprefix("Answer: ") for one in case["good"]]}
    | {"bad": [one.removeprefix("Answer: ") for one in case["bad"]]}
    for case in CHOICES
]
WORDS = [
    {"prompt": "Is 7 prime?", "gold": "yes", "good": ["yes"], "bad": ["no"]},
    {"prompt": "Is 8 prime?", "gold": "no", "good": ["No."], "bad": ["Yes."]},
    {"prompt": "Is 9 prime?", "gold": "no", "good": ["no"], "bad": ["yes"]},
]
WORDY = [
    {"prompt": f"Describe {what} in a few sentences.", "good": [text], "bad": ["Nice.", text * 9]}
    for what, text in (
        ("a lake", "The lake lies still between the hills, and swans draw long lines on it. "),
        ("a train", "The train rolls slowly out of the station while people wave from the doors. "),
    )
]
JSONS = [
    {"prompt": "A point as JSON?", "good": ['{"x": 1, "y": 2}'], "bad": ["x is 1", "[1, 2]"]},
    {"prompt": "A name as JSON?", "good": ['{"name": "Ann"}'], "bad": ["Ann"]},
]
FLUENT = [
    {
        "prompt": "Tell me a story.",
        "good": ["Once there was a fox who lived by a river and liked to sing."],
        "bad": ["the fox the fox the fox the fox the fox the fox the fox"],
    },
    {
        "prompt": "Tell me of the sea.",
        "good": ["Far out where no land is seen the waves grow tall and white."],
        "bad": ["the sea is big the sea is big the sea is big the sea is big"],
    },
]
ENGLISH = [
    {"prompt": "Greet me.", "good": ["Good morning to you."], "bad": ["Доброе утро вам."]},
    {"prompt": "Thank me.", "good": ["Thank you so much."], "bad": ["どうもありがとう。"]},
]
BLOCKS = [
    {
        "prompt": "Think, then answer: 1 + 1?",
        "good": ["<think>One more than one.</think><answer>2</answer>"],
        "bad": ["2", "<answer>2</answer>"],
    },
    {
        "prompt": "Think, then answer: 2 + 2?",
        "good": ["<think>Twice two.</think><answer>4</answer>"],
        "bad": ["4", "<think>Twice two.</think> 4"],
    },
]
LIMITED = [
    {"prompt": "Be brief: what is rain?", "good": ["Water from clouds."], "bad": ["Water. " * 200]},
    {"prompt": "Be brief: what is snow?", "good": ["Frozen water."], "bad": ["Ice falls. " * 200]},
]
