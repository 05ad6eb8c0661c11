// Calls of the WebAssembly module: bytes in, JSON out.

export class Windvane {
    static async create(bytes) {
        const { instance } = await WebAssembly.instantiate(bytes);
        return new Windvane(instance.exports);
    }

    constructor(exports) {
        this.exports = exports;
    }

    // Replaces the pretrained model by the bytes of a saved one.
    loadModel(bytes) {
        this.#write(bytes);
        return this.#result(this.exports.load_model());
    }

    // Reads the bytes of a CSV file of candles; the pair is the name of the file up to the first dot.
    readCandles(name, bytes) {
        const start = new TextEncoder().encode(name);
        const input = new Uint8Array(start.length + bytes.length);
        input.set(start);
        input.set(bytes, start.length);
        this.#write(input);
        return this.#result(this.exports.read_candles(start.length));
    }

    // Predicts at every candle that was read.
    predict() {
        return this.#result(this.exports.predict());
    }

    #write(bytes) {
        const address = this.exports.input(bytes.length);
        // The memory may have moved while it grew, so its buffer is read after the call.
        new Uint8Array(this.exports.memory.buffer, address, bytes.length).set(bytes);
    }

    #result(length) {
        const bytes = new Uint8Array(this.exports.memory.buffer, this.exports.result(), length);
        const value = JSON.parse(new TextDecoder().decode(bytes));
        if (value.error !== undefined) throw new Error(value.error);
        return value;
    }
}
