"""The notebooks of the documentation run from the first cell to the last, and draw what they say."""

from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "Documentation" / "Notebooks"


@pytest.mark.parametrize(
    "name, needs, figures",
    [("Watch-neurons-align", ["matplotlib"], 4), ("Is-your-network-robust", ["matplotlib", "torch"], 2)],
)
def test_a_notebook_runs(name, needs, figures, tmp_path):
    if not FOLDER.exists():
        pytest.skip("the documentation is not beside these tests")
    for package in [*needs, "nbclient", "nbformat", "ipykernel"]:
        pytest.importorskip(package, reason=f"the notebook {name} needs the package {package}")
    import nbclient
    import nbformat

    notebook = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in cells), "outputs are not kept"
    nbclient.NotebookClient(
        notebook, timeout=900, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    shown = [output for cell in cells for output in cell.outputs if "image/png" in output.get("data", {})]
    assert len(shown) == figures
