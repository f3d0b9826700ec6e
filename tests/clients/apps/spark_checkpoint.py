"""Spark Structured Streaming from two Kafka sources: tells what each micro-batch held, then waits in one."""

import json
import sys
import time

from pyspark.sql import SparkSession
from pyspark.sql import functions as f

options = json.loads(sys.argv[1])
spark = (
    SparkSession.builder.master("local[1]")
    .config("spark.jars", options["jars"])
    .config("spark.driver.memory", "512m")
    .config("spark.driver.extraJavaOptions", "-XX:+UseSerialGC -XX:TieredStopAtLevel=1")
    .config("spark.driver.host", "127.0.0.1")
    .config("spark.driver.bindAddress", "127.0.0.1")
    .config("spark.ui.enabled", "false")
    .config("spark.sql.shuffle.partitions", "1")
    .config("spark.sql.streaming.offsetLog.formatVersion", options["format"])
    .config("spark.sql.streaming.queryEvolution.enableSourceEvolution", options["format"] == 2)
    .getOrCreate()
)
spark.sparkContext.setLogLevel("WARN")


def source(topics):
    stream = spark.readStream
    if options["format"] == 2:
        stream = stream.name(topics.replace("-", "_").replace(",", "_"))
    return (
        stream.format("kafka")
        .option("kafka.bootstrap.servers", options["bootstrap"])
        .option("subscribe", topics)
        .option("startingOffsets", "earliest")
        .option("maxOffsetsPerTrigger", options["batch"])
        .load()
    )


def told(rows, number):
    ends = rows.groupBy("topic", "partition").agg((f.max("offset") + 1).alias("next")).collect()
    print(
        json.dumps({"batch": number, "next": {f"{e.topic} {e.partition}": e.next for e in ends}}),
        flush=True,
    )
    if number == options["stuck"]:
        time.sleep(600)


first, second = (
    source(topics).select("topic", "partition", "offset") for topics in options["topics"]
)
query = (
    first.union(second)
    .writeStream.foreachBatch(told)
    .option("checkpointLocation", options["state"])
    .start()
)
query.awaitTermination()
