
create type mood as enum ('sad', 'ok');
create table customer (id bigint primary key, name text not null, mood mood, joined timestamptz, big text);
alter table customer alter column big set storage external;
create table purchase (id int primary key, customer bigint not null references customer, total numeric(10,2), tags text[], doc jsonb);
create table visit (at timestamp, path text, weight float8); alter table visit replica identity full;
insert into customer values (1, 'Ann', 'ok', '2026-01-02 03:04:05.678901+00', repeat('x', 3000)), (2, 'Bob', 'sad', 'infinity', null);
insert into purchase values (10, 1, 12.50, '{a,"b c",NULL}', '{"a": 1e400}'), (11, 2, 'NaN', null, null);
insert into visit values ('epoch', '/', 0.1), ('epoch', '/', 0.1);
begin; insert into customer values (3, 'Cyd', null, null, null); insert into purchase values (12, 3, 1, '{}', '[]'); commit;
update customer set name = 'Anna' where id = 1;
begin; update customer set id = 20 where id = 2 and false; delete from purchase where id = 11; update customer set id = 22 where id = 2; commit;
delete from visit where ctid = (select min(ctid) from visit);
update purchase set total = 99.99 where id = 10;
alter table purchase add column note text;
insert into purchase values (13, 22, -0.01, '{x}', null, 'late');