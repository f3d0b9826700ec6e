"""Real clients that prove who they are: SCRAM, PLAIN, tokens and certificates over TLS, right and wrong."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.broker.security.test_tls import trusting
from tests.support.broker import BrokerThread
from tests.support.certificates import Authority
from tests.support.peers import ToolResult, run_tool
from tests.support.tokens import Issuer, jwks

from anabranch.broker.config import ListenerSettings
from anabranch.broker.security.secret import Secret
from anabranch.broker.security.settings import (
    OauthSettings,
    SaslSettings,
    TlsSettings,
    TokenSettings,
)

pytestmark = pytest.mark.timeout(240)

USER, PASSWORD = "alice", 'in, "wonder"=land ü'
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER")
SESSION_MS = 4000


class Secured:
    """A broker with a listener for each way in, and what clients need to know."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.authority = Authority(directory / "ca")
        self.issuer = Issuer()
        keys = directory / "keys.json"
        keys.write_bytes(jwks(self.issuer.jwk()))
        certificate, ca = self.authority.issue("broker"), self.authority.ca
        self.client = self.authority.issue("client", "CN=bob,OU=ops,O=example")
        rules = "RULE:^CN=([^,]+),OU=ops.*$/$1/,DEFAULT"
        self.thread = BrokerThread(
            directory / "data",
            listeners=(
                ListenerSettings(protocol="SASL_SSL", port=0, mechanisms=MECHANISMS),
                ListenerSettings(
                    protocol="SSL",
                    port=0,
                    tls=TlsSettings(
                        certificate=certificate,
                        ca=ca,
                        client_auth="required",
                        principal_rules=rules,
                    ),
                ),
                ListenerSettings(protocol="PLAINTEXT", port=0),
            ),
            tls=TlsSettings(certificate=certificate),
            sasl=SaslSettings(reauth_ms_max=SESSION_MS),
            oauth=OauthSettings(jwks=str(keys), audience=("log",)),
            tokens=TokenSettings(secret=Secret("shared by brokers")),
        )

    @property
    def broker(self) -> Any:
        return self.thread.broker

    def address(self, protocol: str) -> str:
        (door,) = [one for one in self.broker.doors if one.protocol == protocol]
        return f"127.0.0.1:{door.port}"

    def token(self, **claims: Any) -> str:
        body = {"sub": USER, "exp": int(time.time()) + 60, "aud": "log", **claims}
        return self.issuer.token(**body)

    def who(self) -> set[str]:
        return {str(one.session.principal) for one in self.broker.listener.connections}

    # -- how each kind of client is told -----------------------------------------------------------
    def librdkafka(self, mechanism: str, password: str = PASSWORD) -> dict[str, Any]:
        told: dict[str, Any] = {
            "bootstrap.servers": self.address("SASL_SSL"),
            "security.protocol": "SASL_SSL",
            "ssl.ca.location": str(self.authority.ca),
            "sasl.mechanism": mechanism,
        }
        if mechanism == "OAUTHBEARER":
            token = self.token() if password == PASSWORD else password
            told["oauth_cb"] = lambda _: (token, time.time() + 60)
        else:
            told |= {"sasl.username": USER, "sasl.password": password}
        return told

    def java(self, mechanism: str, jaas: str, **more: str) -> Path:
        lines = {
            "security.protocol": "SASL_SSL",
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(self.authority.ca),
            "sasl.mechanism": mechanism,
            "sasl.jaas.config": jaas,
            **more,
        }
        return self._properties(lines)

    def java_certificate(self) -> Path:
        return self._properties(
            {
                "security.protocol": "SSL",
                "ssl.truststore.type": "PEM",
                "ssl.truststore.location": str(self.authority.ca),
                "ssl.keystore.type": "PEM",
                "ssl.keystore.location": str(self.client),
            }
        )

    def _properties(self, lines: dict[str, str]) -> Path:
        path = self.directory / "client.properties"
        escaped = {name: value.replace("\\", "\\\\") for name, value in lines.items()}
        text = "".join(f"{name}={value}\n" for name, value in escaped.items())
        # Java reads these files as Latin-1, and \uXXXX for what is beyond ASCII.
        path.write_text("".join(c if ord(c) < 128 else f"\\u{ord(c):04x}" for c in text))
        return path

    def tool(
        self, name: str, properties: Path, *args: str, protocol: str = "SASL_SSL"
    ) -> ToolResult:
        return run_tool(
            name,
            [
                "--bootstrap-server",
                self.address(protocol),
                "--command-config",
                str(properties),
                *args,
            ],
        )


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    made = Secured(tmp_path_factory.mktemp("secured"))
    with made.thread as thread:
        for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512"):
            keys = made.broker.users.new_keys(mechanism, PASSWORD)
            thread.run(made.broker.users.put(USER, mechanism, keys, 1))
        yield made


def scram_login(user: str = USER, password: str = PASSWORD, more: str = "") -> str:
    module = "org.apache.kafka.common.security.scram.ScramLoginModule"
    quoted = password.replace("\\", "\\\\").replace('"', '\\"')
    return f'{module} required username="{user}" password="{quoted}"{more};'


# -- librdkafka ------------------------------------------------------------------------------------
@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_librdkafka(secured: Secured, mechanism: str, name: str) -> None:
    from confluent_kafka import Consumer, Producer

    producer = Producer(secured.librdkafka(mechanism))
    consumer = Consumer(
        {
            **secured.librdkafka(mechanism),
            "group.id": name,
            "auto.offset.reset": "earliest",
        }
    )
    consumer.subscribe([name])
    seen: list[bytes] = []
    # For longer than two sessions: both prove again who they are while they work.
    until = time.monotonic() + 2.5 * SESSION_MS / 1000
    sent = 0
    while time.monotonic() < until:
        producer.produce(name, str(sent).encode())
        sent += 1
        producer.poll(0)
        message = consumer.poll(0.05)
        if message is not None and not message.error():
            seen.append(message.value())
    assert producer.flush(20) == 0
    while len(seen) < sent:
        message = consumer.poll(10)
        assert message is not None, f"{len(seen)} of {sent}"
        if not message.error():
            seen.append(message.value())
    assert seen == [str(number).encode() for number in range(sent)]
    assert f"User:{USER}" in secured.who()
    consumer.close()


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_librdkafka_with_what_is_wrong(secured: Secured, mechanism: str) -> None:
    from confluent_kafka import Producer

    errors: list[Any] = []
    wrong = "wrong" if mechanism != "OAUTHBEARER" else secured.token(aud="another")
    producer = Producer({**secured.librdkafka(mechanism, wrong), "error_cb": errors.append})
    producer.produce("t", b"x")
    assert producer.flush(3) == 1
    assert any(error.name() == "_AUTHENTICATION" for error in errors), errors
    producer.purge()


def test_librdkafka_with_a_certificate_and_without(secured: Secured, name: str) -> None:
    from confluent_kafka import KafkaException, Producer
    from confluent_kafka.admin import AdminClient

    told: dict[str, Any] = {
        "bootstrap.servers": secured.address("SSL"),
        "security.protocol": "SSL",
        "ssl.ca.location": str(secured.authority.ca),
    }
    shown = {
        "ssl.certificate.location": str(secured.client),
        "ssl.key.location": str(secured.client),
    }
    producer = Producer({**told, **shown})
    producer.produce(name, b"x")
    assert producer.flush(20) == 0
    assert "User:bob" in secured.who()
    with pytest.raises(KafkaException):
        AdminClient(told).list_topics(timeout=3)


# -- Python ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_kafka_python(secured: Secured, mechanism: str, name: str) -> None:
    from kafka import KafkaConsumer, KafkaProducer
    from kafka.errors import KafkaError

    told: dict[str, Any] = {
        "bootstrap_servers": secured.address("SASL_SSL"),
        "security_protocol": "SASL_SSL",
        "ssl_context": trusting(secured.authority),
        "sasl_mechanism": mechanism,
        "sasl_plain_username": USER,
        "sasl_plain_password": PASSWORD,
    }
    producer = KafkaProducer(**told)
    assert producer.send(name, b"value").get(20).offset == 0
    producer.close()
    consumer = KafkaConsumer(name, **told, auto_offset_reset="earliest", consumer_timeout_ms=20_000)
    assert next(consumer).value == b"value"
    consumer.close()
    with pytest.raises(KafkaError):
        KafkaProducer(**{**told, "sasl_plain_password": "wrong"}).send(name, b"x").get(5)


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-512", "OAUTHBEARER"])
def test_aiokafka(secured: Secured, mechanism: str, name: str) -> None:
    from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
    from aiokafka.abc import AbstractTokenProvider
    from aiokafka.errors import KafkaError

    class Tokens(AbstractTokenProvider):
        def __init__(self, token: str) -> None:
            self._token = token

        async def token(self) -> str:
            return self._token

    def told(*, right: bool) -> dict[str, Any]:
        token = secured.token() if right else secured.token(exp=1)
        login: dict[str, Any] = {
            "sasl_plain_username": USER,
            "sasl_plain_password": PASSWORD if right else "wrong",
        }
        if mechanism == "OAUTHBEARER":
            login = {"sasl_oauth_token_provider": Tokens(token)}
        return {
            "bootstrap_servers": secured.address("SASL_SSL"),
            "security_protocol": "SASL_SSL",
            "ssl_context": trusting(secured.authority),
            "sasl_mechanism": mechanism,
            **login,
        }

    async def scenario() -> None:
        async with AIOKafkaProducer(**told(right=True)) as producer:
            await producer.send_and_wait(name, b"value")
        consumer = AIOKafkaConsumer(name, **told(right=True), auto_offset_reset="earliest")
        async with consumer:
            assert (await asyncio.wait_for(consumer.getone(), 20)).value == b"value"
        producer = AIOKafkaProducer(**told(right=False))
        with pytest.raises(KafkaError):
            await producer.start()
        await producer.stop()

    asyncio.run(scenario())


# -- Java ------------------------------------------------------------------------------------------
@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_java(secured: Secured, mechanism: str, name: str) -> None:
    login = scram_login()
    if mechanism == "PLAIN":
        login = login.replace("scram.ScramLoginModule", "plain.PlainLoginModule")
    properties = secured.java(mechanism, login)
    create = ("--create", "--topic", name)
    secured.tool("TopicCommand", properties, *create).checked()
    wrong = secured.java(mechanism, login.replace("wonder", "wander"))
    refused = secured.tool("TopicCommand", wrong, "--list")
    assert refused.status != 0
    assert "SaslAuthenticationException" in refused.out + refused.err


def test_java_writes_and_reads_with_sessions_that_end(secured: Secured, name: str) -> None:
    properties = secured.java("SCRAM-SHA-512", scram_login())
    secured.tool("TopicCommand", properties, "--create", "--topic", name).checked()
    rate = 500
    seconds = 2.5 * SESSION_MS / 1000
    run_tool(
        "ProducerPerformance",
        [
            *("--topic", name, "--record-size", "100", "--throughput", str(rate)),
            *("--num-records", str(int(rate * seconds))),
            *("--bootstrap-server", secured.address("SASL_SSL")),
            *("--command-config", str(properties)),
        ],
    ).checked()
    read = run_tool(
        "ConsoleConsumer",
        [
            *("--bootstrap-server", secured.address("SASL_SSL"), "--topic", name),
            *("--from-beginning", "--max-messages", str(int(rate * seconds))),
            *("--command-config", str(properties)),
        ],
    ).checked()
    assert f"Processed a total of {int(rate * seconds)} messages" in read.out + read.err


def test_java_with_a_certificate(secured: Secured, name: str) -> None:
    properties = secured.java_certificate()
    create = ("--create", "--topic", name)
    secured.tool("TopicCommand", properties, *create, protocol="SSL").checked()


def test_java_with_tokens_signed_and_unsecured(secured: Secured) -> None:
    module = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required"
    unsecured = secured.java("OAUTHBEARER", f'{module} unsecuredLoginStringClaim_sub="{USER}";')
    refused = secured.tool("TopicCommand", unsecured, "--list")
    assert refused.status != 0
    assert "SaslAuthenticationException" in refused.out + refused.err
    file = secured.directory / "token.jwt"
    file.write_text(secured.token(iat=int(time.time()), scope="x"))
    signed = secured.java(
        "OAUTHBEARER",
        f"{module};",
        **{
            "sasl.login.callback.handler.class": (
                "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler"
            ),
            "sasl.oauthbearer.token.endpoint.url": file.as_uri(),
            "sasl.oauthbearer.jwt.retriever.class": (
                "org.apache.kafka.common.security.oauthbearer.FileJwtRetriever"
            ),
        },
    )
    run_tool(
        "TopicCommand",
        [
            *("--bootstrap-server", secured.address("SASL_SSL")),
            *("--command-config", str(signed), "--list"),
        ],
        jvm=[
            f"-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls={file.as_uri()}",
            f"-Dorg.apache.kafka.sasl.oauthbearer.allowed.files={file}",
        ],
    ).checked()


def test_kafka_configs_makes_users(secured: Secured) -> None:
    properties = secured.java("SCRAM-SHA-512", scram_login())
    of = ("--entity-type", "users", "--entity-name", "carol")
    add = "SCRAM-SHA-512=[iterations=8192,password=s3cret]"
    secured.tool("ConfigCommand", properties, "--alter", "--add-config", add, *of).checked()
    described = secured.tool("ConfigCommand", properties, "--describe", *of).checked()
    assert "SCRAM-SHA-512=iterations=8192" in described.out
    carol = secured.java("SCRAM-SHA-512", scram_login("carol", "s3cret"))
    secured.tool("TopicCommand", carol, "--list").checked()
    gone = ("--alter", "--delete-config", "SCRAM-SHA-512", *of)
    secured.tool("ConfigCommand", carol, *gone).checked()
    refused = secured.tool("TopicCommand", carol, "--list")
    assert "SaslAuthenticationException" in refused.out + refused.err


def test_kafka_delegation_tokens(secured: Secured) -> None:
    properties = secured.java("SCRAM-SHA-512", scram_login())

    def tokens(*args: str) -> ToolResult:
        return secured.tool("DelegationTokenCommand", properties, *args).checked()

    made = tokens("--create", "--max-life-time-period", "-1", "--renewer-principal", "User:carol")
    row = made.out.strip().splitlines()[-1].split()
    token_id, proof = row[0], row[1]
    assert f"User:{USER}" in made.out
    assert token_id in tokens("--describe", "--owner-principal", f"User:{USER}").out
    tokens("--renew", "--renew-time-period", "-1", "--hmac", proof)
    by_token = secured.java("SCRAM-SHA-256", scram_login(token_id, proof, ' tokenauth="true"'))
    secured.tool("TopicCommand", by_token, "--list").checked()
    properties = secured.java("SCRAM-SHA-512", scram_login())
    tokens("--expire", "--expiry-time-period", "-1", "--hmac", proof)
    by_token = secured.java("SCRAM-SHA-256", scram_login(token_id, proof, ' tokenauth="true"'))
    refused = secured.tool("TopicCommand", by_token, "--list")
    assert "SaslAuthenticationException" in refused.out + refused.err


def test_what_a_tool_is_shown_holds_no_secret(secured: Secured) -> None:
    properties = secured.java("SCRAM-SHA-512", scram_login())
    shown = secured.tool(
        "ConfigCommand",
        properties,
        "--describe",
        "--all",
        "--entity-type",
        "brokers",
        "--entity-name",
        "1",
    ).checked()
    assert re.search(r"sasl\.enabled\.mechanisms=", shown.out)
    for secret in (PASSWORD, "shared by brokers", "BEGIN"):
        assert secret not in shown.out
