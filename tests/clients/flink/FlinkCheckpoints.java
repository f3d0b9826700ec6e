import java.io.Serializable;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.RichMapFunction;
import org.apache.flink.api.common.serialization.SimpleStringSchema;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.flink.connector.kafka.sink.KafkaSink;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.connector.kafka.source.reader.deserializer.KafkaRecordDeserializationSchema;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.core.execution.SavepointFormatType;
import org.apache.flink.runtime.state.FunctionInitializationContext;
import org.apache.flink.runtime.state.FunctionSnapshotContext;
import org.apache.flink.streaming.api.checkpoint.CheckpointedFunction;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.util.Collector;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.OffsetResetStrategy;

/**
 * Flink, with what a checkpoint must hold told by a witness beside each source: an operator that is chained
 * to it counts the records that passed, and prints at each checkpoint where its source then stood.
 *
 * <p>Arguments: bootstrap, sources as UID=TOPIC:earliest|latest|committed joined by commas, sink topic (- for
 * none), group and prefix of transactional ids, parallelism, pauses in ms for each record beside and behind the
 * sources as N:N, file whose appearance asks to stop with a savepoint, directory of savepoints and their format, then Flink
 * settings as KEY=VALUE.
 */
public final class FlinkCheckpoints {
    public static void main(String[] args) throws Exception {
        Configuration settings = new Configuration();
        for (int n = 9; n < args.length; n++) {
            String[] pair = args[n].split("=", 2);
            settings.setString(pair[0], pair[1]);
        }
        StreamExecutionEnvironment flink =
                StreamExecutionEnvironment.createLocalEnvironment(Integer.parseInt(args[4]), settings);
        DataStream<String> all = null;
        for (String described : args[1].split(",")) {
            String uid = described.split("=")[0];
            String[] origin = described.split("=")[1].split(":");
            KafkaSource<String> source = KafkaSource.<String>builder()
                    .setBootstrapServers(args[0])
                    .setTopics(origin[0])
                    .setGroupId(args[3])
                    .setStartingOffsets(initializer(origin[1]))
                    .setDeserializer(new Place())
                    .build();
            DataStream<String> one = flink.fromSource(source, WatermarkStrategy.noWatermarks(), uid + " source")
                    .uid(uid)
                    .map(new Witness(uid, Long.parseLong(args[5].split(":")[0])))
                    .uid(uid + "-witness");
            all = all == null ? one : all.union(one);
        }
        long pause = Long.parseLong(args[5].split(":")[1]);
        DataStream<String> slow = all.keyBy(place -> place.substring(0, place.lastIndexOf(' ')), Types.STRING)
                .map(new Counting(pause))
                .uid("slow");
        if (!args[2].equals("-")) {
            Properties patience = new Properties();
            patience.setProperty("transaction.timeout.ms", "60000");
            slow.sinkTo(KafkaSink.<String>builder()
                            .setBootstrapServers(args[0])
                            .setRecordSerializer(KafkaRecordSerializationSchema.builder()
                                    .setTopic(args[2])
                                    .setValueSerializationSchema(new SimpleStringSchema())
                                    .build())
                            .setDeliveryGuarantee(DeliveryGuarantee.EXACTLY_ONCE)
                            .setTransactionalIdPrefix(args[3])
                            .setKafkaProducerConfig(patience)
                            .build())
                    .uid("sink");
        }
        JobClient job = flink.executeAsync("checkpoints");
        System.out.println("{\"job\": \"" + job.getJobID() + "\"}");
        Path asked = Path.of(args[6]);
        var result = job.getJobExecutionResult();
        while (!result.isDone()) {
            if (Files.exists(asked)) {
                Files.delete(asked);
                SavepointFormatType format = SavepointFormatType.valueOf(args[8]);
                String path = job.stopWithSavepoint(false, args[7], format).get();
                System.out.println("{\"savepoint\": \"" + path + "\"}");
                break;
            }
            Thread.sleep(50);
        }
        result.get();
        System.exit(0);
    }

    private static OffsetsInitializer initializer(String name) {
        switch (name) {
            case "earliest":
                return OffsetsInitializer.earliest();
            case "latest":
                return OffsetsInitializer.latest();
            default:
                return OffsetsInitializer.committedOffsets(OffsetResetStrategy.EARLIEST);
        }
    }

    /** A record as its place: TOPIC PARTITION OFFSET. */
    private static final class Place implements KafkaRecordDeserializationSchema<String> {
        @Override
        public void deserialize(ConsumerRecord<byte[], byte[]> record, Collector<String> out) {
            out.collect(record.topic() + " " + record.partition() + " " + record.offset());
        }

        @Override
        public TypeInformation<String> getProducedType() {
            return Types.STRING;
        }
    }

    /** Keeps state by key, and takes its time. */
    private static final class Counting extends RichMapFunction<String, String> {
        private final long pause;
        private transient ValueState<Long> count;

        Counting(long pause) {
            this.pause = pause;
        }

        @Override
        public String map(String place) throws Exception {
            Thread.sleep(pause);
            if (count == null) {
                count = getRuntimeContext().getState(new ValueStateDescriptor<>("count", Long.class));
            }
            count.update(count.value() == null ? 1 : count.value() + 1);
            return place;
        }
    }

    /** Tells, at each checkpoint, the next offset of each partition that has come by. */
    private static final class Witness extends RichMapFunction<String, String>
            implements CheckpointedFunction, Serializable {
        private final String uid;
        private final long pause;
        private final TreeMap<String, Long> next = new TreeMap<>();

        Witness(String uid, long pause) {
            this.uid = uid;
            this.pause = pause;
        }

        @Override
        public String map(String place) throws InterruptedException {
            Thread.sleep(pause);
            int cut = place.lastIndexOf(' ');
            next.put(place.substring(0, cut), Long.parseLong(place.substring(cut + 1)) + 1);
            return place;
        }

        @Override
        public void snapshotState(FunctionSnapshotContext context) {
            List<String> told = new ArrayList<>();
            for (Map.Entry<String, Long> each : next.entrySet()) {
                told.add("\"" + each.getKey() + "\": " + each.getValue());
            }
            System.out.println("{\"checkpoint\": " + context.getCheckpointId() + ", \"uid\": \"" + uid
                    + "\", \"next\": {" + String.join(", ", told) + "}}");
        }

        @Override
        public void initializeState(FunctionInitializationContext context) {}
    }
}
