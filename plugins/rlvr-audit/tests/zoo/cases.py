"""Case sets of the zoo: what a user would write down before the first audit."""

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
