-- Runs once, as superuser, when the volume of `source` is empty. What Rowcast needs on a source is the second block.

create role shop login password 'shop-demo-pw';
grant create on schema public to shop;

create role rowcast login replication password 'source-demo-pw';
grant create on database shop to rowcast; -- for the publication
grant shop to rowcast; -- only owners may publish tables; this makes it one of the shop's, of tables to come too

set role shop;

create table public.customers (
  id bigint generated always as identity primary key,
  email text not null unique,
  name text not null,
  points integer not null default 0,
  created_at timestamptz not null default now());

create table public.products (
  sku text primary key,
  title text not null,
  price numeric(10,2) not null,
  stock integer not null);

create table public.orders (
  id bigint generated always as identity primary key,
  customer_id bigint not null references public.customers,
  status text not null default 'placed',
  placed_at timestamptz not null default now());
create index on public.orders (placed_at);

create table public.order_items (
  order_id bigint not null references public.orders on delete cascade,
  line integer not null,
  sku text not null references public.products,
  quantity integer not null check (quantity > 0),
  price numeric(10,2) not null,
  primary key (order_id, line));

insert into public.customers (email, name) select 'customer' || i || '@example.org', 'Customer ' || i from generate_series(1, 1000) i;
insert into public.products
  select 'SKU-' || i, 'Product ' || i, (i * 37 % 5000) / 100.0 + 1, 1000 from generate_series(1, 100) i;
