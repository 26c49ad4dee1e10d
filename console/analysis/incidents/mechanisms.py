"""How do changes break things? Common knowledge of the field as a table: what was touched, and how that then shows.

Each row is one way to break a system. `signs` are words by which alerts, metrics, logs and spans show it; the others
are words of a change that may cause it. A trailing * stands for any ending, an underscore joins words that follow each
other. No row knows a system by name; whoever misses a way to break one adds a row.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mechanism:
    """One way in which a change breaks a system."""

    name: str
    signs: str
    removed: str = ""  # protections: their loss breaks it
    added: str = ""  # hazards: their arrival breaks it
    either: str = ""  # what it is about: any change to it may break it
    raised: str = ""  # settings that break it when they grow
    lowered: str = ""  # settings that break it when they shrink
    eased: str = ""  # words that say the hazard is held in bounds
    is_slow: bool = False  # it may take hours to show


MECHANISMS = (
    Mechanism(
        "authentication",
        signs="401 403 unauthorized unauthenticated auth authent* authoriz* token* jwt jwks session* login*"
        " credential* signature* oauth* sso oidc password* secret* bearer audience issuer claim* denied forbidden kid",
        removed="leeway skew tolerance grace verif* valid* refresh* audience issuer key* jwks claim* scope* session*"
        " signature* secret* role* cookie* salt kid rotat* fallback expir*",
        added="strict audience issuer require* expir* scope* claim* deny reject* rotat* secret* same_site hmac"
        " revoke* blacklist denylist mandatory enforce*",
        either="auth jwt jwks token* session* oauth* credential* secret* cookie* login* signing issuer audience",
        lowered="ttl expir* lifetime leeway skew tolerance grace age timeout idle rounds",
    ),
    Mechanism(
        "time",
        signs="expir* skew clock drift ntp timezone* utc dst midnight schedul* cron late early date* timestamp*"
        " future not_yet_valid stale hour* day* period* window* overlap*",
        removed="leeway skew tolerance utc timezone* zone* offset location clock grace jitter monotonic",
        added="local utc timezone* zone* date* parse* strftime location now truncat* cron schedule* leap",
        either="timezone* utc clock skew leeway schedul* cron crontab expir* ntp calendar",
        raised="offset interval window",
        lowered="leeway skew tolerance grace window lookback period offset interval",
    ),
    Mechanism(
        "race",
        signs="concurrent* race* panic* fatal corrupt* inconsisten* duplicat* twice double* lost conflict* goroutine*"
        " version_conflict stale optimistic oversold negative index_out data_race",
        removed="lock* unlock* mu mutex* synchronized atomic* semaphore* once singleflight single_flight transaction*"
        " serializable for_update isolation idempot* dedup* unique thread_safe* copy clone volatile barrier"
        " wait_group cas compare_and_swap concurrent* sync await",
        added="goroutine* parallel* concurren* thread* executor* async global shared static singleton spawn",
        either="lock* mutex* atomic* concurren* thread_safe* idempot* isolation transaction* dedup*",
        raised="worker* concurren* parallel* thread* replica*",
    ),
    Mechanism(
        "blocking",
        signs="deadlock* lock* blocked blocking contention hang* hung stuck wait* timeout* timed_out stall* queue*"
        " latency duration starv* unresponsive saturat* thread* goroutine* event_loop",
        removed="timeout* context deadline* async* await nonblocking non_blocking buffer* unlock* goroutine parallel*"
        " concurren* worker* cancel* select executor",
        added="lock* mutex* synchronized for_update serializable transaction* sync sleep block* wait* join exclusive"
        " table_lock singleton serial* sequential* access_exclusive",
        either="lock* mutex* deadlock* blocking thread_pool worker_pool executor*",
        raised="timeout* sleep wait* delay* lock*",
        lowered="worker* thread* concurren* parallel* buffer* pool* channel*",
    ),
    Mechanism(
        "memory",
        signs="memory mem rss heap oom* gc swap out_of_memory garbage allocat* exit_137 killed working_set",
        removed="evict* limit* max* bound* ttl close* free release* clear* reset* delete* truncat* expir* cap"
        " capacity pool* stream* paginat* chunk* weak* flush* dispose* unsubscribe* remove_listener trim* slice lru",
        added="append* push accumul* history buffer* cache* retain* keep* global static memo* all list read_all"
        " load_all collect* listener* subscri* snapshot* record* put store* copy clone dict map unbounded",
        either="memory heap gc cache* buffer* pool* leak* gogc xmx",
        raised="batch* worker* concurren* cache* buffer* heap xmx max* size capacity window history prefetch chunk*"
        " limit length gogc",
        lowered="memory limit* gomemlimit interval",
        eased="bounded lru max* limit* evict* capacity ring fixed cap ttl expire* trim*",
        is_slow=True,
    ),
    Mechanism(
        "handles",
        signs="too_many_open_files file_descriptor* fd fds socket* connection* conn conns leak* port* ephemeral"
        " emfile exhaust* pool* close_wait time_wait cannot_assign file_handle* acquire* waiting checkout",
        removed="close* defer release* finally dispose* with shutdown cancel* return_connection keep_alive keepalive"
        " reuse pool* drain* idle using try rollback",
        added="open dial connect* new_client client acquire* listen* watch* subscri* create_connection session",
        either="connection* socket* pool* keepalive keep_alive descriptor* ulimit nofile",
        raised="idle keepalive lifetime timeout* worker* replica* concurren*",
        lowered="pool* conn* max* idle open* size limit* ulimit nofile keepalive",
        is_slow=True,
    ),
    Mechanism(
        "connection pool",
        signs="pool* connection* exhaust* acquire* wait* timeout* timed_out db database* postgres* mysql sql"
        " too_many_clients hikari pgbouncer too_many_connections saturat* slots checkout idle_in_transaction",
        removed="close* release* defer finally rollback commit transaction* limit* pool* timeout* reuse rows cancel*",
        added="transaction* begin connect* query hold* lock* open long nested per_request",
        either="pool* connection* max_open max_idle datasource hikari pgbouncer dsn database_url",
        raised="worker* concurren* replica* batch* parallel* timeout* idle lifetime thread*",
        lowered="pool* conn* max* open* idle size minimum lifetime slots",
    ),
    Mechanism(
        "query",
        signs="query queries slow_query slow db database* postgres* mysql mongo* sql rows table* scan* latency"
        " duration timeout* cpu deadlock* statement* iops read* seq_scan full_scan",
        removed="index* limit* preload* include* join* batch* cache* paginat* bulk prefetch* eager* where in offset"
        " select* hint* materialized memo* filter*",
        added="query* select find* scan* like order_by group_by join* count for each* lazy* all distinct loop offset"
        " wildcard* fuzzy fetch* lookup* ilike subquery lateral full",
        either="index* query sql join* orm lazy eager n_plus_1 preload* select* repository dao",
        raised="limit* page* batch* size depth lookback window",
        lowered="batch* page* chunk* cache* work_mem",
    ),
    Mechanism(
        "schema",
        signs="column* relation* does_not_exist unknown_column undefined_column schema* migrat* field* missing"
        " constraint* foreign_key not_null duplicate_key deserial* serializ* unmarshal* decod* pars* protobuf proto"
        " avro mismatch* invalid_type incompatible unrecognized unexpected key_error no_such_column required enum"
        " null* nan cast*",
        removed="column* field* alias* default* optional nullable omitempty backward* compat* fallback json* version"
        " table*",
        added="rename* drop* alter not_null required enum* type* migrat* strict additional_properties constraint*"
        " unique references cast*",
        either="schema* migrat* column* field* ddl alter_table proto protobuf avro json_property serial* dto enum*"
        " contract payload nullable format*",
    ),
    Mechanism(
        "cache",
        signs="cache* hit_ratio hit_rate miss* evict* stampede thundering origin stale redis memcache* cdn outdated"
        " ttl hits",
        removed="cache* ttl singleflight jitter stale_while warm* memo* etag max_age coalesc* hash* prefix namespace"
        " version invalidat* evict* lock*",
        added="no_cache no_store bypass* flush* invalidat* vary purge* disable* uuid timestamp nonce random user_id"
        " query private clear*",
        either="cache* ttl redis memcache* cdn etag cache_control key_prefix cache_key",
        raised="ttl age expir* stale",
        lowered="ttl expir* cache* size max* age entries capacity memory",
    ),
    Mechanism(
        "retries",
        signs="retr* storm amplif* overload* 429 throttl* too_many_requests circuit* backoff queue* rps request_rate"
        " surge attempts duplicat* reject* shed* saturat*",
        removed="backoff jitter circuit* breaker budget sleep delay* max* cap limit* attempts exponential give_up"
        " deadline* idempot*",
        added="retr* loop immediate* forever while attempt* requeue* resend* hedg*",
        either="retr* backoff jitter circuit* breaker hedg*",
        raised="retr* attempts concurren* worker* parallel* max*",
        lowered="backoff interval delay* timeout* jitter sleep wait base",
    ),
    Mechanism(
        "timeouts",
        signs="timeout* timed_out deadline* 504 408 gateway_timeout context_canceled context_cancelled cancel* slow*"
        " latency duration abort* reset* hang*",
        removed="timeout* deadline* context cancel* keepalive keep_alive async*",
        added="timeout* deadline* cancel* abort*",
        either="timeout* deadline* keepalive",
        raised="timeout* deadline* wait* delay* sleep",
        lowered="timeout* deadline* wait* ttl keepalive grace idle read_timeout",
    ),
    Mechanism(
        "rate limits",
        signs="429 rate_limit* ratelimit* throttl* quota* too_many_requests reject* limit* exceed* burst",
        removed="limit* throttl* quota* cache* batch* burst exempt* allowlist whitelist",
        added="limit* throttl* quota* rate* bucket* poll* per_request per_client per_ip",
        either="rate_limit* limiter throttl* quota* burst token_bucket allowance rps qps",
        raised="concurren* worker* poll* batch* frequency parallel* interval window",
        lowered="limit* rate* quota* rps qps burst window interval period max* tokens",
    ),
    Mechanism(
        "disk",
        signs="disk* space no_space enospc volume* inode* read_only storage log_volume wal full filesystem mount*"
        " disk_pressure evict* throughput ingest* lines bytes_written",
        removed="rotat* retention compress* gzip cleanup clean_up prune* delet* sampl* truncat* expir* archiv*"
        " vacuum* limit* max* ttl purge* compact*",
        added="debug trace verbose dump* persist* write* archiv* snapshot* audit* print* temp* tmp payload body",
        either="log_level retention rotat* logrotate disk* volume* storage verbosity level sampl*",
        raised="sampl* retention rate max* backup* verbosity segment* keep* interval ttl",
        lowered="volume* size storage disk* retention interval",
        is_slow=True,
    ),
    Mechanism(
        "cpu",
        signs="cpu throttl* load hot busy latency duration saturat* event_loop p99 compute gc utilization backtrack*"
        " spin* worker_pool",
        removed="cache* memo* break early_return sleep limit* yield compiled precompil* pool* batch* index* debounce*"
        " short_circuit",
        added="regex* regexp pattern* while nested sort* hash* bcrypt argon scrypt compress* gzip brotli encrypt*"
        " deep_copy deepcopy reflect* recurs* poll* spin busy compile* serializ* marshal* levenshtein cross_product"
        " quadratic",
        either="regex* regexp bcrypt argon compress* hash* encrypt* recurs* gomaxprocs",
        raised="cost rounds iterations worker* level depth frequency complexity threads limit",
        lowered="cpu interval limit* sleep period gomaxprocs quota",
    ),
    Mechanism(
        "resources",
        signs="oom* killed crash* crash_loop* restart* throttl* pending unschedul* probe* liveness readiness"
        " not_ready evict* replicas hpa scal* insufficient cpu memory saturat* overload* capacity node_pressure pods",
        removed="resources limits requests replicas hpa autoscal* probe* toleration* affinity pdb disruption",
        added="limits requests quota affinity anti_affinity toleration* taint* node_selector probe* startup",
        either="resources limits requests replicas hpa autoscal* probe* liveness readiness affinity limit_range quota"
        " node_selector deployment helm kustom* statefulset priority_class",
        raised="request* cpu memory min* target* utilization initial_delay max_unavailable threshold",
        lowered="memory cpu limit* request* replicas min* max* heap resources storage initial_delay failure_threshold"
        " period timeout* surge",
    ),
    Mechanism(
        "tls",
        signs="tls ssl x509 cert* handshake* ca trust* hostname verify_failed self_signed sni cipher*"
        " unknown_authority mtls protocol_version pkix",
        either="tls ssl x509 cert* ca ca_bundle cipher* handshake* min_version trust* sni issuer secret* keystore"
        " truststore mtls insecure_skip* verify*",
    ),
    Mechanism(
        "endpoints",
        signs="dns no_such_host nxdomain servfail resolv* lookup* refused unreachable connect* 404 not_found host*"
        " route* no_route upstream no_healthy unknown_host redirect* 502 bad_gateway ingress proxy* connection_reset",
        either="host* hostname url urls uri endpoint* dns address* port ports domain* base_path route* router routing"
        " prefix ingress proxy* upstream* path_rewrite gateway service_name namespace ndots nameserver* nginx envoy"
        " vhost redirect* selector target_port cname sidecar",
    ),
    Mechanism(
        "permissions",
        signs="access_denied forbidden 403 permission* denied iam rbac not_authorized insufficient_scope eacces role*"
        " policy policies privilege* not_allowed",
        either="iam role* policy policies permission* rbac acl acls scope* grant* revoke* principal* network_policy"
        " firewall* security_group service_account chmod least_privilege privilege* sudo egress",
    ),
    Mechanism(
        "missing values",
        signs="nil null none_type nonetype null_pointer nullpointer npe undefined panic* segfault sigsegv"
        " segmentation dereference attribute_error type_error cannot_read key_error index_out_of_range out_of_bounds"
        " no_such_key not_a_function traceback unwrap",
        removed="nil null none guard* optional default* exist* len empty undefined check* fallback ok has is_null"
        " or_else is_empty coalesce present",
        added="pointer* cast unwrap first must index nil null none optional as_type",
        either="nil null none optional nullable default* guard*",
    ),
    Mechanism(
        "validation",
        signs="400 422 bad_request invalid* valid* malformed reject* required missing_field parse* format*"
        " unprocessable schema_violation",
        removed="valid* trim* sanitiz* normaliz* lower* fallback default* optional lenient",
        added="valid* required regex* pattern* strict* reject* enforce* max_length min_length format* mandatory must",
        either="valid* sanitiz* normaliz* strict* required schema* parse* format*",
        raised="min*",
        lowered="max* length limit*",
    ),
    Mechanism(
        "amounts",
        signs="total* price* pricing amount* mismatch* incorrect wrong discrepan* rounding currenc* tax* refund*"
        " charg* payment* invoice* billing balance* overcharg* undercharg* reconcil* negative revenue order_value"
        " checksum",
        removed="round* decimal* cents precision scale minor_units currenc* convert* multipl* divid*",
        added="round* float* cents trunc* int floor ceil convert* divid* multipl* percent* exchange*",
        either="round* decimal* currenc* cents precision tax* discount* price* pricing amount* unit* conversion"
        " exchange*",
    ),
    Mechanism(
        "queues",
        signs="queue* lag consumer* backlog* partition* offset* rebalanc* dead_letter dlq unacked message* kafka"
        " rabbit* sqs nats pubsub topic* worker* delayed undelivered redeliver* poison events pending jobs throughput",
        removed="ack* commit* consumer* batch* parallel* async* concurren* partition* prefetch retr* idempot*"
        " heartbeat*",
        added="sync sequential* nack* requeue* blocking sleep retr* poison auto_commit ordering fifo serial*",
        either="consumer* producer* partition* offset* ack* prefetch kafka rabbit* sqs queue* topic* poll* rebalanc*"
        " session heartbeat* group_id",
        raised="batch* poll* fetch* visibility interval delay* linger prefetch",
        lowered="consumer* prefetch concurren* worker* batch* poll* partition* visibility session timeout* fetch*"
        " replicas interval",
    ),
    Mechanism(
        "encoding",
        signs="utf8 utf16 encod* decod* charset* unicode garbled mojibake invalid_byte escap* malformed"
        " illegal_character",
        either="utf8 encod* decod* charset* escap* unescape* quot* unquote latin1 base64 locale* collat* unicode ascii",
    ),
    Mechanism(
        "balance",
        signs="imbalance* hot hotspot* hot_shard skewed uneven shard* partition* one_replica single_pod",
        either="hash* shard* balanc* sticky affinity partition_key weight* ring round_robin consistent least_conn"
        " subset*",
    ),
    Mechanism(
        "model and data",
        signs="accuracy precision recall f1 auc auroc drift* predict* confidence score* calibration feature*"
        " embedding* label* null_rate distribution* inference token* ttft hallucinat* quality ctr conversion ranking"
        " relevance model",
        removed="normaliz* preprocess* scal* default* impute* feature* fill* warmup cache*",
        added="normaliz* preprocess* quantiz* threshold* fp16 int8 feature* rescal* tokeniz* resiz* crop* swap*"
        " prompt*",
        either="model* weights checkpoint* threshold* feature* normaliz* preprocess* tokeniz* embedding* dataset*"
        " label* train* quantiz* precision registry promot* prompt* temperature max_tokens batch_size inference"
        " version data pipeline schema source backfill imput* unit*",
        raised="threshold* batch* max_tokens temperature window context beam*",
        lowered="threshold* batch* max_tokens precision bits window context",
    ),
    Mechanism(
        "startup",
        signs="crash_loop* restart* exit* fail_to_start missing_env startup boot* undefined env config* not_set"
        " required_variable init* image_pull errimagepull unhealthy module_not_found import_error",
        either="env environment env_var config* secret* configmap required default* entrypoint command image"
        " base_image dockerfile init* startup bootstrap viper dotenv",
    ),
    Mechanism(
        "web",
        signs="cors preflight cookie* csp content_type 415 406 asset* static bundle javascript blocked_by origin"
        " render* blank hydrat* header*",
        either="cors origin* header* cookie* csp content_type asset* static bundle* webpack vite same_site render*"
        " hydrat* chunk*",
    ),
    Mechanism(
        "payloads",
        signs="413 too_large payload* body_size message_size max_size truncat* exceeds_limit entity_too_large"
        " bandwidth egress resource_exhausted received_message_larger",
        removed="compress* gzip paginat* limit* fields select* trim* chunk* stream*",
        added="payload* full expand* embed* all include* base64 blob*",
        either="payload* body_size max_size client_max message_size compress* gzip paginat*",
        raised="page* limit* size batch*",
        lowered="max* size limit* body* payload* message*",
    ),
)

ROLES = ("signs", "removed", "added", "either", "raised", "lowered", "eased")
