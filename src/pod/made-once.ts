/** Makes something (never undefined) of an object, which is never changed in place, once: the same is given again for as long as the object is there. */
export function madeOnce<O extends object, T>(make: (object: O) => T): (object: O) => T {
  const kept = new WeakMap<O, T>();
  return (object) => {
    let made = kept.get(object);
    if (made === undefined) {
      made = make(object);
      kept.set(object, made);
    }
    return made;
  };
}
