"""The plugin as the core sees it."""

import rlvr_trainer_grpo

from rlvr_ops_core import __all__ as public_face
from rlvr_ops_core.options import SUPPLIED_BY_THE_CORE, options_model


def test_hooks_offer_every_component():
    relatives = ["grpo", "dapo", "dr_grpo", "gspo", "rloo"]
    trainers = ["scratch", "sft", "best_of_n", *relatives]
    assert list(rlvr_trainer_grpo.rlvr_trainers()) == trainers
    assert list(rlvr_trainer_grpo.rlvr_samplers()) == ["sample"]


def test_options_of_every_component_can_be_read():
    for trainer in rlvr_trainer_grpo.rlvr_trainers().values():
        assert options_model(trainer).model_json_schema()["properties"]
    for sampler in rlvr_trainer_grpo.rlvr_samplers().values():
        model = options_model(sampler, SUPPLIED_BY_THE_CORE)
        assert model.model_json_schema()["properties"]


def test_only_the_public_face_of_the_core_is_used():
    from pathlib import Path

    for file in Path(rlvr_trainer_grpo.__file__).parent.glob("*.py"):
        assert "rlvr_ops_core." not in file.read_text(), file
    assert "TrainJob" in public_face


def test_pipeline_of_the_readme_is_sound(tmp_path):
    import subprocess
    import sys
    from pathlib import Path

    readme = (Path(__file__).parent.parent / "README.md").read_text()
    file = tmp_path / "readme.yaml"
    file.write_text(readme.partition("```yaml\n")[2].partition("```")[0])
    command = [sys.executable, "-m", "rlvr_ops_core", "check", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
