"""recipe.toml: what it names differs and nothing else; all that is wrong with it is said at once."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoflop.arch import FAMILIES
from isoflop.errors import InputError
from isoflop.json_values import toml_value
from isoflop.recipe import SmallRecipe
from isoflop.recipe.file import RecipeFile, read_recipe, recipe_of
from isoflop.recipe.written import as_toml, differences, in_force
from isoflop.spec import RunSpec


def written(folder: Path, text: str) -> Path:
    path = folder / "recipe.toml"
    path.write_text(text)
    return path


def specs(recipe: SmallRecipe) -> list[RunSpec]:
    return [recipe.spec(recipe.architecture(size), 40 * size, lr_factor=2.0) for size in (1e4, 2e5)]


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_an_empty_recipe_trains_as_without_one(family: str) -> None:
    assert RecipeFile().small_recipe(257, family=family) == SmallRecipe(family=family, vocab_size=257)


@pytest.mark.parametrize("family", sorted(FAMILIES))
@pytest.mark.parametrize("hidden", ["adamw", "muon"])
def test_what_is_shown_reads_back_to_the_same_runs(family: str, hidden: str) -> None:
    recipe = recipe_of({"family": family, "optimizer": {"hidden": hidden}}, "recipe").small_recipe(257)
    shown = as_toml(in_force(recipe), "a head\nof two lines")
    again = recipe_of(toml_value(shown.encode()), "shown")
    assert [spec.run_id for spec in specs(again.small_recipe(257))] == [spec.run_id for spec in specs(recipe)]
    assert in_force(again.small_recipe(257)) == in_force(recipe)
    # every key has its comment
    assert all("  # " in line for line in shown.splitlines() if "=" in line)


def test_what_it_names_is_trained(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        """
        family = "palm"
        context = 64
        z_loss = 1e-3
        shape = {layers = 3, head_dim = 8}
        optimizer = {hidden = "muon", momentum = 0.9, weight_decay = 0, clip_norm = 2}
        rates = {hidden = 0.01, width_exponent = 0.5, embedding = 3, vectors = 2}
        schedule = {kind = "cosine", final_fraction = 0.2, warmup_fraction = 0.01}
        batch = {tokens = 1024}
        """,
    )
    recipe = read_recipe(path).small_recipe(257)
    spec = recipe.spec(recipe.architecture(1e5), 1e6, lr_factor=2.0)
    shape = spec.architecture
    assert (shape.family, shape.n_layers, shape.head_dim) == ("palm", 3, 8)
    assert (spec.seq_len, spec.batch_tokens, spec.z_loss) == (64, 1024, 1e-3)
    optimizer = spec.optimizer
    assert (optimizer.hidden, optimizer.momentum, optimizer.weight_decay) == ("muon", 0.9, 0.0)
    assert (optimizer.clip_norm, optimizer.embedding_lr, optimizer.vectors_lr) == (2.0, 3.0, 2.0)
    assert spec.peak_lr == pytest.approx(2 * 0.01 * (64 / shape.d_model) ** 0.5)
    assert (spec.schedule.kind, spec.schedule.final_fraction) == ("cosine", 0.2)
    assert spec.warmup_tokens == int(0.01 * spec.tokens)
    # what is not named stays
    assert (optimizer.beta1, optimizer.beta2) == (0.9, 0.95)


def test_a_batch_is_a_multiple_of_the_rule() -> None:
    default = SmallRecipe(vocab_size=257)
    half = recipe_of({"batch": {"multiple": 0.5}}, "half").small_recipe(257)
    shape = default.architecture(1e5)
    assert half.batch_tokens(shape, 8e6) == pytest.approx(default.batch_tokens(shape, 8e6) / 2, abs=default.seq_len / 2)


@pytest.mark.parametrize("params", [1e4, 1e5, 1e6])
def test_fixed_layers_keep_the_parameters(params: float) -> None:
    three, two = (recipe_of({"shape": {"layers": layers}}, "r").small_recipe(257) for layers in (3, 2))
    shapes = three.architecture(params), two.architecture(params)
    assert [shape.n_layers for shape in shapes] == [3, 2]
    sizes = [shape.params().non_embedding for shape in shapes]
    assert sizes[0] == pytest.approx(sizes[1], rel=0.25)


def test_gpt_has_learned_or_rotary_positions() -> None:
    learned, rope = (recipe_of({"family": "gpt", "positions": kind}, "r") for kind in ("learned", "rope"))
    shapes = [recipe.small_recipe(257).shape(32, 2) for recipe in (learned, rope)]
    assert [shape.n_positions for shape in shapes] == [128, None]
    # the table of positions is what the two differ by
    assert shapes[0].params().total - shapes[1].params().total == 128 * 32
    assert rope.small_recipe(257).family == "gpt-rope"
    # the family may also be that of the study
    assert recipe_of({"positions": "rope"}, "r").small_recipe(257, family="gpt").family == "gpt-rope"
    assert recipe_of({"positions": "learned"}, "r").small_recipe(257, family="gpt-rope").family == "gpt"
    with pytest.raises(InputError, match="positions: palm has rope, got learned"):
        recipe_of({"positions": "learned"}, "r").small_recipe(257, family="palm")


@given(st.sampled_from([0.2, 0.25, 0.3, 0.5]), st.floats(1e5, 1e8), st.sampled_from([32, 100, 128]))
def test_masked_tokens_leave_the_steps_of_a_run_without_them(masked: float, tokens: float, context: int) -> None:
    plain = SmallRecipe(vocab_size=257, seq_len=context)
    masking = recipe_of({"masked_fraction": masked, "context": context}, "r").small_recipe(257)
    shape = plain.architecture(1e5)
    spec, fewer = masking.spec(shape, tokens), plain.spec(shape, (1 - masked) * tokens)
    assert spec.sequences == fewer.sequences == fewer.batch_tokens // context
    # a batch is whole tokens: 64 / .75 are 85
    assert spec.steps == pytest.approx(fewer.steps, abs=1 + 0.5 * spec.steps / spec.batch_tokens)
    assert spec.batch_tokens == pytest.approx(fewer.batch_tokens / (1 - masked), abs=0.5)
    assert spec.flops == pytest.approx(fewer.flops / (1 - masked), rel=1 / fewer.steps)
    assert spec.warmup_tokens / spec.tokens == pytest.approx(fewer.warmup_tokens / fewer.tokens, rel=1e-2)
    assert RunSpec.from_json(spec.as_json()) == spec


def test_every_problem_is_listed_at_once(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        """
        shedule = 3
        layers = 3
        family = "lama"
        rates = 4
        [optimizer]
        hidden = "muom"
        lr = 3
        weight_decay = -1
        [batch]
        multiple = 0.5
        tokens = 128
        when = 1979-05-27
        """,
    )
    with pytest.raises(InputError) as caught:
        read_recipe(path)
    text = str(caught.value)
    assert text.startswith(f"{path}: 9 problems")
    for line in (
        "shedule: no key of a recipe; did you mean schedule?",
        "layers: no key of a recipe; did you mean shape.layers?",
        "optimizer.lr: no key of a recipe; did you mean rates.hidden?",
        "optimizer.hidden: expected 'adamw' or 'muon', got 'muom'",
        "optimizer.weight_decay: expected greater than or equal to 0, got -1",
        "batch: expected multiple or tokens, not both",
        "batch.when: no key of a recipe; expected multiple, tokens",
        "family: no family 'lama'; did you mean llama or palm?",
        "rates: expected a table, [rates], got 4",
    ):
        assert f"  - {line}" in text


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"optimizer": {"hidden": "adamw", "momentum": 0.9}}, 'expected with hidden = "muon"'),
        ({"schedule": {"kind": "cosine", "cooldown_fraction": 0.1}}, 'expected with kind = "wsd"'),
        ({"schedule": {"kind": "constant", "final_fraction": 0.1}}, "a constant rate has none"),
        ({"family": "gopher", "positions": "rope"}, "positions: gopher has relative, got rope"),
        ({"masked_fraction": 1.0}, "masked_fraction: expected less than or equal to 0.99"),
        ({"family": "gopher", "rates": {"output_head": 2.0}}, "head of gopher is its embedding"),
        ({"schema": 2}, "reads 1, got 2"),
        ({"context": "128"}, "context: expected a valid integer, got '128'"),
        ({"shape": {"layers": 2.5}}, "shape.layers: expected a valid integer"),
        ({"optimizer": {"beta1": 1.0}}, "optimizer.beta1: expected less than 1"),
    ],
)
def test_contradictions_and_other_values_are_refused(value: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        recipe_of(value, "recipe.toml")


def test_a_batch_has_whole_sequences() -> None:
    with pytest.raises(InputError, match="whole sequences of 128 tokens, got 500; take 512"):
        recipe_of({"batch": {"tokens": 500}}, "recipe").small_recipe(257)


def test_what_is_no_recipe_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file; `isoflop recipe --show`"):
        read_recipe(tmp_path / "none.toml")
    with pytest.raises(InputError, match="not TOML"):
        read_recipe(written(tmp_path, "family = "))
    with pytest.raises(InputError, match="not TOML"):
        read_recipe(written(tmp_path, "z_loss = nan"))
    with pytest.raises(InputError, match="expected a recipe in TOML"):
        read_recipe(tmp_path)


def test_differences_are_those_from_the_default_of_the_family() -> None:
    recipe = recipe_of({"family": "gpt", "batch": {"multiple": 2}, "rates": {"vectors": 1}}, "r").small_recipe(257)
    assert differences(in_force(recipe)) == [("batch.multiple", 1.0, 2.0)]


def test_a_text_is_found_beside_the_recipe_and_its_weights_are_shown(tmp_path: Path) -> None:
    path = written(tmp_path, '[corpus]\ntext = ["novels", "/poems"]\nweights = {novels = 2, "po ems" = 1}\n')
    recipe = read_recipe(path)
    assert recipe.corpus.text == (str(tmp_path / "novels"), "/poems")
    whole = in_force(recipe.small_recipe(257), recipe.corpus)
    assert recipe_of(toml_value(as_toml(whole).encode()), "shown").corpus == recipe.corpus
    assert ("corpus.weights.novels", None, 2.0) in differences(whole)
    with pytest.raises(InputError, match="corpus: expected name or text, not both"):
        read_recipe(written(tmp_path, '[corpus]\nname = "python"\ntext = ["a"]\n'))
    with pytest.raises(InputError, match="corpus.weights.a: expected greater than or equal to 0"):
        read_recipe(written(tmp_path, "[corpus]\nweights = {a = -1}\n"))


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8) | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=5,
)  # fmt: skip
KEYS = st.sampled_from(
    ["schema", "family", "positions", "context", "z_loss", "shape", "optimizer", "rates", "schedule", "batch", "corpus"]
)
INNER = st.dictionaries(st.sampled_from(["layers", "hidden", "kind", "tokens", "multiple", "text", "weights"]), PLAIN)


@given(st.dictionaries(KEYS | st.text(max_size=6), PLAIN | INNER, max_size=5))
def test_whatever_is_written_is_a_recipe_or_one_message(value: dict[str, object]) -> None:
    try:
        recipe = recipe_of(value, "recipe.toml")
    except InputError:
        return
    assert recipe_of(recipe.as_json(), "again") == recipe
    # a fixed batch that is no whole number of sequences is seen only here
    with suppress(InputError):
        recipe.small_recipe(257).architecture(1e5)
