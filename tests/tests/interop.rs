fn main() {
    tests::harness::main(vec![])
}
