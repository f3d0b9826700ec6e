"""A bulk rebuild on Spark: per key, how many records of a plan there are and their sum."""

import json
import sys

from pyspark.sql import SparkSession
from pyspark.sql import functions as f

from anabranch.recovery.replays import bulk

options = json.loads(sys.argv[1])
spark = (
    SparkSession.builder.master("local[2]")
    .config("spark.driver.memory", "512m")
    .config("spark.driver.host", "127.0.0.1")
    .config("spark.driver.bindAddress", "127.0.0.1")
    .config("spark.ui.enabled", "false")
    .config("spark.sql.shuffle.partitions", "2")
    .getOrCreate()
)
spark.sparkContext.setLogLevel("WARN")
with bulk.reading(options["data"], plan=options["plan"], engine="spark") as read:
    rows = bulk.spark_dataframe(spark, read)
    found = rows.groupBy(f.col("key").cast("string").alias("key")).agg(
        f.count("*").alias("n"), f.sum(f.col("value").cast("string").cast("long")).alias("total")
    )
    totals = {row.key: [row.n, row.total] for row in found.collect()}
print(json.dumps({"session": read.session, "splits": len(read.splits), "totals": totals}))
spark.stop()
