/**
 * How many times slower than a common machine this one is: an emulated one says so by LICHEN_TEST_SLOWNESS. Every time that tests
 * wait for something to happen is multiplied by it.
 */
export const slowness = Number(process.env.LICHEN_TEST_SLOWNESS ?? 1);
