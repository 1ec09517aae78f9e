import { randomBytes, randomUUID } from 'node:crypto';
import type pg from 'pg';
import { WRITERS } from './shop-schema.ts';

/** Kinds of transactions with how often they happen, out of 100. */
const HABITS = [
  ['placeOrder', 30],
  ['payOrder', 18],
  ['repriceProduct', 16],
  ['welcomeCustomer', 10],
  ['editCustomer', 10],
  ['cancelOrder', 10],
  ['renameProduct', 3],
  ['relabelAddress', 3],
] as const;

/** One writer with customers, products and orders of its own, so that it never waits for another one. */
export class Shopkeeper {
  readonly #client: pg.Client;
  readonly #products: string[] = [];
  readonly #orders: number[] = [];
  readonly #customers: number[] = [];
  #labels = 0;

  constructor(client: pg.Client, writer: number) {
    this.#client = client;
    for (let i = writer; i < 400; i += WRITERS) this.#products.push(`P${i}`);
    for (let i = writer === 0 ? WRITERS : writer; i <= 3000; i += WRITERS) this.#orders.push(i);
    for (let i = writer === 0 ? WRITERS : writer; i <= 2000; i += WRITERS) this.#customers.push(i);
  }

  /** Makes one transaction of some kind. */
  async act(): Promise<void> {
    let roll = Math.random() * 100;
    const [habit] = HABITS.find(([, weight]) => (roll -= weight) < 0) ?? HABITS[0];
    switch (habit) {
      case 'placeOrder':
        return await this.#placeOrder();
      case 'payOrder':
        return await this.#payOrder();
      case 'repriceProduct':
        return await this.#repriceProduct();
      case 'welcomeCustomer':
        return await this.#welcomeCustomer();
      case 'editCustomer':
        return await this.#editCustomer();
      case 'cancelOrder':
        return await this.#cancelOrder();
      case 'renameProduct':
        return await this.#renameProduct();
      case 'relabelAddress':
        return await this.#relabelAddress();
      default:
        return habit satisfies never;
    }
  }

  /** Orders, items and stock in one transaction. */
  async #placeOrder(): Promise<void> {
    await this.#transaction(async () => {
      const order = await this.#client.query<{ id: string }>(
        /* sql */ `insert into public.orders (customer_id, note) values ($1, $2) returning id`,
        [pick(this.#customers), Math.random() < 0.3 ? `please ring\ttwice\n${randomUUID()}` : null],
      );
      const id = Number(order.rows[0]?.id);
      const skus = new Set([pick(this.#products), pick(this.#products), pick(this.#products)]);
      let line = 0;
      for (const sku of skus) {
        await this.#client.query(
          /* sql */ `insert into public.order_items select $1::bigint, $2::smallint, sku, 1 + $2::smallint, price from public.products where sku = $3`,
          [id, ++line, sku],
        );
        await this.#client.query(/* sql */ `update public.products set stock = stock - 1 where sku = $1`, [sku]);
      }
      await this.#client.query(
        /* sql */ `update public.orders set status = 'placed', total =
          (select sum(quantity * price) from public.order_items where order_id = $1) where id = $1`,
        [id],
      );
      this.#orders.push(id);
    });
  }

  async #payOrder(): Promise<void> {
    const id = pick(this.#orders);
    await this.#transaction(async () => {
      await this.#client.query(
        /* sql */ `insert into public.payments (order_id, amount, receipt, details)
          select id, total, $2::bytea, jsonb_build_object('method', 'transfer', 'ref', $3::text) from public.orders where id = $1`,
        [id, randomBytes(24), randomUUID()],
      );
      await this.#client.query(/* sql */ `update public.orders set status = 'paid' where id = $1`, [id]);
    });
  }

  /** The long description stays as it is: the WAL does not have it, nor do the changes. */
  async #repriceProduct(): Promise<void> {
    const price = (Math.random() * 500).toFixed(2);
    await this.#client.query(/* sql */ `update public.products set price = $2 where sku = $1`, [
      pick(this.#products),
      price,
    ]);
  }

  async #welcomeCustomer(): Promise<void> {
    await this.#transaction(async () => {
      const customer = await this.#client.query<{ id: string }>(
        /* sql */ `insert into public.customers (email, name, born, profile) values ($1, $2, $3, $4) returning id`,
        [`${randomUUID()}@example.org`, 'Zoë O’Brien', '1988-02-29', { language: 'en', tags: ['new', 'ünï'] }],
      );
      const id = Number(customer.rows[0]?.id);
      await this.#client.query(
        /* sql */ `insert into public.addresses values ($1, 'home', 'Main Street 1', 'Praha', now())`,
        [id],
      );
      this.#customers.push(id);
    });
  }

  async #editCustomer(): Promise<void> {
    await this.#client.query(
      /* sql */ `update public.customers set is_member = not is_member,
        profile = profile || jsonb_build_object('points', (random() * 1000)::int) where id = $1`,
      [pick(this.#customers)],
    );
  }

  async #cancelOrder(): Promise<void> {
    if (this.#orders.length < 100) return;
    const [id] = this.#orders.splice(Math.floor(Math.random() * this.#orders.length), 1);
    await this.#transaction(async () => {
      await this.#client.query(/* sql */ `delete from public.payments where order_id = $1`, [id]);
      await this.#client.query(/* sql */ `delete from public.order_items where order_id = $1`, [id]);
      await this.#client.query(/* sql */ `delete from public.orders where id = $1`, [id]);
    });
  }

  /** A primary key that changes, with every item that refers to it, while the long description is not sent. */
  async #renameProduct(): Promise<void> {
    const i = Math.floor(Math.random() * this.#products.length);
    const sku = `R-${randomBytes(6).toString('hex')}`;
    await this.#client.query(/* sql */ `update public.products set sku = $2 where sku = $1`, [this.#products[i], sku]);
    this.#products[i] = sku;
  }

  /** Part of a composite key that changes. */
  async #relabelAddress(): Promise<void> {
    await this.#client.query(/* sql */ `update public.addresses set label = $2 where customer_id = $1`, [
      pick(this.#customers),
      `label ${++this.#labels}`,
    ]);
  }

  async #transaction(body: () => Promise<void>): Promise<void> {
    await this.#client.query(/* sql */ `begin`);
    await body();
    await this.#client.query(/* sql */ `commit`);
  }
}

function pick<T>(list: readonly T[]): T {
  return list[Math.floor(Math.random() * list.length)] as T;
}
