"""A data set that lies on a server: read over the protocol of S3, from a server of it on this machine."""

import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tables import HEADER, tiny

from backtester.errors import UserError
from backtester.market import dataset
from backtester.market.write import write_dataset

KEYS = {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any", "AWS_DEFAULT_REGION": "us-east-1"}


@pytest.fixture(scope="module")
def address():
    """Where a server of S3 listens."""
    pytest.importorskip("moto.server", reason="moto is not installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = "import sys; from moto.server import main; main(['-H', '127.0.0.1', '-p', sys.argv[1]])"
    server = subprocess.Popen([sys.executable, "-c", program, str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(300):
        with socket.socket() as knock:
            if knock.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.1)
    yield f"http://127.0.0.1:{port}"
    server.kill()
    server.wait()


@pytest.fixture
def folder(tmp_path):
    write_dataset(tmp_path / "tiny", HEADER, tiny())
    return tmp_path / "tiny"


@pytest.fixture
def bucket(address, folder, monkeypatch):
    """The data set as an address that begins with s3://."""
    import s3fs

    for name, value in (KEYS | {"AWS_ENDPOINT_URL": address}).items():
        monkeypatch.setenv(name, value)
    store = s3fs.S3FileSystem(skip_instance_cache=True)
    store.makedirs("market", exist_ok=True)
    store.put(str(folder), "market/", recursive=True)
    return "s3://market/tiny"


@pytest.mark.filterwarnings("ignore::DeprecationWarning:botocore", "ignore::DeprecationWarning:aiobotocore")
def test_a_data_set_on_a_server_is_the_one_on_disk(bucket, folder):
    far, near = dataset.load(bucket), dataset.load(folder)
    assert far.streams.events.tobytes() == near.streams.events.tobytes()
    assert far.streams.bars.tobytes() == near.streams.bars.tobytes()
    assert {**far.source, "path": ""} == {**near.source, "path": ""}
    pieces = dataset.load(bucket, stored=True)
    assert {key: table.tobytes() for key, table in pieces.tables.items()} == {key: table.tobytes() for key, table in near.tables.items()}


def test_what_is_not_there_is_said(bucket):
    with pytest.raises(UserError, match="no data set at s3://market/none"):
        dataset.load("s3://market/none")


def test_a_protocol_that_nobody_knows_is_said():
    with pytest.raises(UserError, match=r"data\.path: nowhere://market/tiny"):
        dataset.load("nowhere://market/tiny")


def test_a_path_with_a_colon_is_a_path(tmp_path):
    with pytest.raises(UserError, match="no data set at"):
        dataset.load(Path(tmp_path) / "a:b")
