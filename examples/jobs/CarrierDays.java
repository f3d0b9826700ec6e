import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.serialization.SerializationSchema;
import org.apache.flink.api.common.serialization.SimpleStringSchema;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.TypeHint;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.java.functions.KeySelector;
import org.apache.flink.api.java.tuple.Tuple4;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.flink.connector.kafka.sink.KafkaSink;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.ObjectMapper;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;

/**
 * A Flink job as many teams run one: departures, cancellations and delays per carrier and day, from topic
 * {@code flights} to topic {@code carrier-days}, exactly once; a cluster inside this process.
 *
 * <p>Nothing in it knows about recovery. Arguments: bootstrap servers, version (2 counts whoever did not
 * depart as departed without delay, which is wrong), then any number of Flink settings as KEY=VALUE.
 */
public final class CarrierDays {
    private static final TypeInformation<Tuple4<Integer, Integer, Integer, Integer>> TOTALS =
            TypeInformation.of(new TypeHint<Tuple4<Integer, Integer, Integer, Integer>>() {});

    public static void main(String[] args) throws Exception {
        boolean everybodyDeparts = args[1].equals("2");
        Configuration settings = new Configuration();
        for (int n = 2; n < args.length; n++) {
            String[] pair = args[n].split("=", 2);
            settings.setString(pair[0], pair[1]);
        }
        StreamExecutionEnvironment flink = StreamExecutionEnvironment.createLocalEnvironment(1, settings);
        KafkaSource<String> source = KafkaSource.<String>builder()
                .setBootstrapServers(args[0])
                .setTopics("flights")
                .setGroupId("carrier-days")
                .setStartingOffsets(OffsetsInitializer.earliest())
                .setValueOnlyDeserializer(new SimpleStringSchema())
                .build();
        KafkaSink<String> sink = KafkaSink.<String>builder()
                .setBootstrapServers(args[0])
                .setRecordSerializer(KafkaRecordSerializationSchema.<String>builder()
                        .setTopic("carrier-days")
                        .setKeySerializationSchema(new CarrierAndDay())
                        .setValueSerializationSchema(new SimpleStringSchema())
                        .build())
                .setDeliveryGuarantee(DeliveryGuarantee.EXACTLY_ONCE)
                .setTransactionalIdPrefix("carrier-days")
                // Flink's own default, an hour, is more than a broker admits.
                .setProperty("transaction.timeout.ms", "60000")
                .build();
        flink.fromSource(source, WatermarkStrategy.noWatermarks(), "flights")
                .uid("flights")
                .keyBy(new CarrierAndDay())
                .process(new Totals(everybodyDeparts))
                .uid("totals")
                .sinkTo(sink)
                .uid("carrier-days");
        flink.execute("carrier-days");
    }

    /** {@code carrier|day} of a flight, and of a row. */
    private static final class CarrierAndDay
            implements KeySelector<String, String>, SerializationSchema<String> {
        private static final ObjectMapper JSON = new ObjectMapper();

        @Override
        public String getKey(String event) throws IOException {
            JsonNode fields = JSON.readTree(event);
            return fields.get("carrier").asText() + "|" + fields.get("day").asText();
        }

        @Override
        public byte[] serialize(String row) {
            try {
                return getKey(row).getBytes(StandardCharsets.UTF_8);
            } catch (IOException impossible) {
                throw new UncheckedIOException(impossible);
            }
        }
    }

    /** Departures, cancellations, sum and maximum of delays: the row so far, for each flight. */
    private static final class Totals extends KeyedProcessFunction<String, String, String> {
        private static final ObjectMapper JSON = new ObjectMapper();
        private final boolean everybodyDeparts;
        private transient ValueState<Tuple4<Integer, Integer, Integer, Integer>> totals;

        Totals(boolean everybodyDeparts) {
            this.everybodyDeparts = everybodyDeparts;
        }

        @Override
        public void open(OpenContext context) {
            totals = getRuntimeContext().getState(new ValueStateDescriptor<>("totals", TOTALS));
        }

        @Override
        public void processElement(String event, Context context, Collector<String> out)
                throws Exception {
            JsonNode flight = JSON.readTree(event);
            Tuple4<Integer, Integer, Integer, Integer> row = totals.value();
            if (row == null) {
                row = Tuple4.of(0, 0, 0, Integer.MIN_VALUE);
            }
            if (everybodyDeparts || flight.get("departed").asBoolean()) {
                int delay = flight.get("dep_delay").asInt(0);
                row.f0 += 1;
                row.f2 += delay;
                row.f3 = Math.max(row.f3, delay);
            } else {
                row.f1 += 1;
            }
            totals.update(row);
            String worst = row.f0 == 0 ? "null" : Integer.toString(row.f3);
            out.collect(String.format(
                    "{\"carrier\":\"%s\",\"day\":\"%s\",\"departures\":%d,\"cancellations\":%d,"
                            + "\"delay_sum\":%d,\"max_delay\":%s}",
                    flight.get("carrier").asText(),
                    flight.get("day").asText(),
                    row.f0, row.f1, row.f2, worst));
        }
    }
}
