-- An event each few milliseconds, in batches of 100; 2,000 hosts of which a few talk most; a tenth delivered, a fifth ignored,
-- a few dead, the rest unmatched. {partition} and {batch} are filled in by Python, named values by psycopg2.
INSERT INTO {partition}
       (event_id, journal_seq, received_at, api_key, address, hostname, event_time, message, syslog_severity, trap_oid,
        source_type, event, rule_set_version, rule_id, rule_name, handling, environment, team, reason,
        deduplication_key, outcome, outcome_at, correlation_id)
SELECT (lpad(to_hex(%(first_ms)s + (n / {batch}) * {batch} * %(step_ms)s::bigint), 12, '0')
        || '7' || lpad(to_hex(n / {batch} %% 4096), 3, '0') || 'a' || lpad(to_hex(n / {batch}), 10, '0') || lpad(to_hex(n %% {batch} + 1), 5, '0'))::uuid,
       (n / {batch} + 1) * {batch}, at, 'sensor', '10.0.0.1', 'core-router-' || host, at,
       CASE n %% 6
         WHEN 0 THEN '%%LINK-3-UPDOWN: Interface GigabitEthernet' || n / 6 %% 48 || '/0/' || n / 288 %% 24 || ', changed state to down'
         WHEN 1 THEN '%%BGP-5-ADJCHANGE: neighbor 10.' || n / 6 %% 250 || '.' || host %% 250 || '.1 Down BGP Notification sent'
         WHEN 2 THEN 'sshd[' || n %% 30000 || ']: Failed password for invalid user u' || n %% 997 || ' from 192.0.2.' || n %% 250
         WHEN 3 THEN '%%SYS-5-CONFIG_I: Configured from console by vty' || n / 6 %% 16 || ' (10.1.2.' || n %% 250 || ')'
         WHEN 4 THEN 'kernel: eth' || n / 6 %% 8 || ': link up, 1000Mbps, full-duplex, lpa 0x45E1'
         ELSE 'ticket ' || md5(n::text) || ' was opened for host ' || host END,
       'Error', '', 'syslog', jsonb_build_object('hostname', 'core-router-' || host), 7, rule, '', '',
       'prod', 'TEAM-' || n * 7919 / 97 %% 40, '', '', outcome, at + interval '80 ms',
       lpad(to_hex(%(first_ms)s + n * %(step_ms)s::bigint), 12, '0') || lpad(to_hex(n), 20, '0')
  FROM (SELECT n, 1 + floor(2000 * power((hashint8(n)::bigint + 2147483648) / 4294967296.0, 3))::int AS host,
               to_timestamp((%(first_ms)s + n * %(step_ms)s::bigint) / 1000.0) AS at,
               CASE WHEN n %% 10 < 7 THEN NULL ELSE 1 + n %% 1000 END AS rule,
               CASE WHEN n %% 20011 = 0 THEN 'dead' WHEN n %% 10 < 7 THEN 'unmatched' WHEN n %% 10 < 9 THEN 'ignored'
                    ELSE 'delivered' END AS outcome
          FROM generate_series(%(begin)s::bigint, %(end)s::bigint - 1) AS n) AS numbered
