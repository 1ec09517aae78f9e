-- One visit to the shop, run again and again by pgbench: an order with two lines, sometimes a price change, a payment, a clean-up.
\set customer random(1, 1000)
\set first random(1, 50)
\set second random(51, 100)
\set dice random(1, 100)
begin;
insert into public.orders (customer_id) values (:customer) returning id as new_order \gset
insert into public.order_items select :new_order, 1, sku, 1 + :dice % 3, price from public.products where sku = 'SKU-' || :first;
insert into public.order_items select :new_order, 2, sku, 1, price from public.products where sku = 'SKU-' || :second;
update public.customers set points = points + 1 where id = :customer;
commit;
\if :dice <= 10
  update public.products set price = price + 0.01, stock = 1000 where sku = 'SKU-' || :first;
\elif :dice <= 60
  update public.orders set status = 'paid' where id = :new_order;
\elif :dice <= 65
  delete from public.orders where placed_at < now() - interval '10 minutes';
\endif
