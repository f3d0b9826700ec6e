import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.serialization.SerializationSchema;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.TypeHint;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.java.functions.KeySelector;
import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.flink.connector.kafka.sink.KafkaSink;
import org.apache.flink.connector.kafka.sink.TransactionNamingStrategy;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.connector.kafka.source.reader.deserializer.KafkaRecordDeserializationSchema;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.core.execution.SavepointFormatType;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;
import org.apache.kafka.clients.consumer.ConsumerRecord;

/**
 * Flink: per key, the sum so far for each record, exactly once; a cluster inside this process.
 *
 * <p>Arguments: bootstrap, source, sink, prefix of transactional ids, strategy of their names, pause in ms, file
 * whose appearance asks for a savepoint, directory of savepoints, then any number of Flink settings as KEY=VALUE.
 * The savepoint's path is printed when the job has stopped with it.
 */
public final class FlinkTotals {
    private static final TypeInformation<Tuple2<String, String>> PAIR =
            TypeInformation.of(new TypeHint<Tuple2<String, String>>() {});

    public static void main(String[] args) throws Exception {
        Configuration settings = new Configuration();
        for (int n = 8; n < args.length; n++) {
            String[] pair = args[n].split("=", 2);
            settings.setString(pair[0], pair[1]);
        }
        StreamExecutionEnvironment flink = StreamExecutionEnvironment.createLocalEnvironment(1, settings);
        KafkaSource<Tuple2<String, String>> source = KafkaSource.<Tuple2<String, String>>builder()
                .setBootstrapServers(args[0])
                .setTopics(args[1])
                .setGroupId(args[3])
                .setStartingOffsets(OffsetsInitializer.earliest())
                .setDeserializer(new Reading())
                .build();
        KafkaSink<Tuple2<String, String>> sink = KafkaSink.<Tuple2<String, String>>builder()
                .setBootstrapServers(args[0])
                .setRecordSerializer(KafkaRecordSerializationSchema.<Tuple2<String, String>>builder()
                        .setTopic(args[2])
                        .setKeySerializationSchema(new KeyBytes())
                        .setValueSerializationSchema(new ValueBytes())
                        .build())
                .setDeliveryGuarantee(DeliveryGuarantee.EXACTLY_ONCE)
                .setTransactionalIdPrefix(args[3])
                .setTransactionNamingStrategy(
                        TransactionNamingStrategy.valueOf(args[4]))
                // Flink's own default, an hour, is more than a broker admits.
                .setProperty("transaction.timeout.ms", "60000")
                .build();
        flink.fromSource(source, WatermarkStrategy.noWatermarks(), "source")
                .uid("source")
                .keyBy(new Key())
                .process(new Adding(Long.parseLong(args[5])))
                .returns(PAIR)
                .uid("adding")
                .sinkTo(sink)
                .uid("sink");
        JobClient job = flink.executeAsync("totals");
        Path asked = Path.of(args[6]);
        var result = job.getJobExecutionResult();
        while (!result.isDone()) {
            if (Files.exists(asked)) {
                Files.delete(asked);
                String path = job.stopWithSavepoint(false, args[7], SavepointFormatType.CANONICAL).get();
                System.out.println("{\"savepoint\": \"" + path + "\"}");
                break;
            }
            Thread.sleep(50);
        }
        result.get();
        System.exit(0);
    }

    private static final class Reading implements KafkaRecordDeserializationSchema<Tuple2<String, String>> {
        @Override
        public void deserialize(
                ConsumerRecord<byte[], byte[]> record, Collector<Tuple2<String, String>> out) {
            out.collect(Tuple2.of(
                    new String(record.key(), StandardCharsets.UTF_8),
                    new String(record.value(), StandardCharsets.UTF_8)));
        }

        @Override
        public TypeInformation<Tuple2<String, String>> getProducedType() {
            return PAIR;
        }
    }

    private static final class KeyBytes implements SerializationSchema<Tuple2<String, String>> {
        @Override
        public byte[] serialize(Tuple2<String, String> row) {
            return row.f0.getBytes(StandardCharsets.UTF_8);
        }
    }

    private static final class ValueBytes implements SerializationSchema<Tuple2<String, String>> {
        @Override
        public byte[] serialize(Tuple2<String, String> row) {
            return row.f1.getBytes(StandardCharsets.UTF_8);
        }
    }

    private static final class Key implements KeySelector<Tuple2<String, String>, String> {
        @Override
        public String getKey(Tuple2<String, String> row) {
            return row.f0;
        }
    }

    private static final class Adding
            extends KeyedProcessFunction<String, Tuple2<String, String>, Tuple2<String, String>> {
        private static final Pattern ROW = Pattern.compile("\\{\"n\": (\\d+), \"amount\": (\\d+)\\}");
        private final long pause;
        private transient ValueState<Long> total;

        Adding(long pause) {
            this.pause = pause;
        }

        @Override
        public void open(OpenContext context) {
            total = getRuntimeContext().getState(new ValueStateDescriptor<>("total", Long.class));
        }

        @Override
        public void processElement(
                Tuple2<String, String> row, Context context, Collector<Tuple2<String, String>> out)
                throws Exception {
            Thread.sleep(pause);
            Matcher found = ROW.matcher(row.f1);
            if (!found.matches()) {
                throw new IllegalArgumentException(row.f1);
            }
            long before = total.value() == null ? 0 : total.value();
            total.update(before + Long.parseLong(found.group(2)));
            out.collect(Tuple2.of(
                    row.f0, "{\"n\": " + found.group(1) + ", \"total\": " + total.value() + "}"));
        }
    }
}
