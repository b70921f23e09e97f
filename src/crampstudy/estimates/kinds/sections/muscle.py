"""Muscle, joints and sitting, and the ratio of age without and with them."""

from crampstudy.estimates.kinds.registry import Kind, register


def _age(beside: str, also: str = "") -> Kind:
    return register(
        Kind(
            name=f"age, {beside}",
            meaning="As a regression, of age as a spline and sex, among those of whom all that was measured of muscle, "
            f"joints and sitting is known{also}.",
            table="age_ratios",
            figure="age_ratios",
            sentence=f"{{comparison}}, {beside}: {{scale}} {{estimate}}",
            label=beside,
            of_fit=True,
        )
    )


AGE_ALONE = _age("beside sex alone")
AGE_BESIDE_MUSCLE = _age("beside muscle", "; lean mass and grip strength stand beside")
AGE_BESIDE_JOINTS = _age("beside joints", "; flexibility, joint pain and arthritis stand beside")
AGE_BESIDE_SITTING = _age("beside sitting", "; sitting stands beside")
AGE_BESIDE_ALL = _age("beside all that was measured", "; all of these stand beside")
