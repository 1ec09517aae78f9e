-- Runs once, as superuser, when the volume of `replica` is empty: what Rowcast needs on a replica.

create role rowcast login password 'replica-demo-pw';
grant create on database shop to rowcast; -- for schema rowcast, where the replica's progress is kept
grant usage, create on schema public to rowcast; -- for the replicated tables
grant set on parameter session_replication_role to rowcast; -- triggers and foreign keys do not fire twice; works without it, slower
