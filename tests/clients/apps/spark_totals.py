"""Spark Structured Streaming: per key, the sum so far after each micro-batch; state in its checkpoint."""

import json
import sys

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
    .getOrCreate()
)
spark.sparkContext.setLogLevel("WARN")
source = (
    spark.readStream.format("kafka")
    .option("kafka.bootstrap.servers", options["bootstrap"])
    .option("subscribe", options["source"])
    .option("startingOffsets", "earliest")
    .option("maxOffsetsPerTrigger", options["batch"])
    .load()
)
rows = source.select(
    f.col("key").cast("string").alias("key"),
    f.from_json(f.col("value").cast("string"), "n INT, amount INT").alias("row"),
)
totals = rows.groupBy("key").agg(f.max("row.n").alias("n"), f.sum("row.amount").alias("total"))
query = (
    totals.select("key", f.to_json(f.struct("n", "total")).alias("value"))
    .writeStream.format("kafka")
    .option("kafka.bootstrap.servers", options["bootstrap"])
    .option("topic", options["sink"])
    .option("checkpointLocation", options["state"])
    .outputMode("update")
    .start()
)
query.awaitTermination()
