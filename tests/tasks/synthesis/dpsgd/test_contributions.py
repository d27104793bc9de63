import pytest
import tensorflow as tf

from tasks.synthesis.dpsgd.contributions import Lookup, Product, join
from tasks.synthesis.errors import LayerError


def test_a_table_that_is_also_a_kernel_is_refused() -> None:
    gradients = tf.zeros((2, 3, 4))
    table = Lookup(tf.zeros((2, 3), tf.int32), gradients, rows=5)
    kernel = Product(tf.zeros((2, 3, 5)), gradients)
    with pytest.raises(LayerError, match="'tied' is shared by layers of different kinds"):
        join("tied", [table, kernel])
