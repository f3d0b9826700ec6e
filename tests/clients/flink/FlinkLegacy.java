import java.util.List;
import java.util.Properties;
import org.apache.flink.api.common.serialization.SimpleStringSchema;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.core.execution.SavepointFormatType;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.apache.flink.streaming.connectors.kafka.FlinkKafkaConsumer;

/**
 * Flink 1 with the consumer before KafkaSource: reads for a while, then takes a savepoint: one to stop with
 * finds this consumer stopped already and holds no offsets.
 *
 * <p>Arguments: bootstrap, topics, group, directory of savepoints, ms to read for, then settings as KEY=VALUE.
 */
public final class FlinkLegacy {
    public static void main(String[] args) throws Exception {
        Configuration settings = new Configuration();
        for (int n = 5; n < args.length; n++) {
            String[] pair = args[n].split("=", 2);
            settings.setString(pair[0], pair[1]);
        }
        StreamExecutionEnvironment flink = StreamExecutionEnvironment.createLocalEnvironment(2, settings);
        Properties properties = new Properties();
        properties.setProperty("bootstrap.servers", args[0]);
        properties.setProperty("group.id", args[2]);
        FlinkKafkaConsumer<String> consumer =
                new FlinkKafkaConsumer<>(List.of(args[1].split(",")), new SimpleStringSchema(), properties);
        consumer.setStartFromEarliest();
        flink.addSource(consumer, "legacy source").uid("legacy").sinkTo(new DiscardingSink<>()).uid("nothing");
        JobClient job = flink.executeAsync("legacy");
        Thread.sleep(Long.parseLong(args[4]));
        String path = job.triggerSavepoint(args[3], SavepointFormatType.CANONICAL).get();
        System.out.println("{\"savepoint\": \"" + path + "\"}");
        System.exit(0);
    }
}
